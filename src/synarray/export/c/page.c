/* The learner as the page in a browser calls it; scripts/build_wasm.py links this file to learner.wasm.
 *
 * Besides the functions of synarray_learner.h: sizes, the states of a neuron's cells, and label counts set to zero. */
#include "synarray_learner.c"

uint32_t page_struct_bytes(void) { return (uint32_t)sizeof(synarray); }

uint32_t page_memory_bytes(const synarray_model *m)
{
    synarray s;
    return (uint32_t)lay_out(&s, m, NULL);
}

/* States 0 to 254 of the cells of one neuron, in the order of its group's rows; 255: pruned. Returns how many there are. */
uint32_t page_cells(synarray *s, uint32_t neuron, uint8_t *out)
{
    tile t = first_tile(s->model);
    uint32_t j;
    while (neuron >= t.neuron + t.columns) next_tile(s->model, &t);
    for (j = 0; j < t.rows; j++)
        out[j] = is_alive(s, &t, j, neuron - t.neuron) ? (uint8_t)get_cell(s, &t, j, neuron - t.neuron).state : 255u;
    return t.rows;
}

/* Count labels anew: cells and thresholds stay. */
void page_forget_labels(synarray *s)
{
    uint32_t i, n = (uint32_t)s->model->neurons * s->model->classes;
    for (i = 0; i < n; i++) s->counts[i] = 0;
}
