/* synarray_learner: see synarray_learner.h. In the order of the signal: encode, read, draw a winner, learn, prune.
 * The same law as synarray's network/reference.py and its compiled kernels, held to the same bits by test.
 */
#include "synarray_learner.h"

#ifndef SYNARRAY_NO_FLOAT
#include <float.h>
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float must be evaluated in float (on x86: -msse2 -mfpmath=sse), or build with SYNARRAY_NO_FLOAT"
#endif
#endif

enum { STREAM_INPUT = 2, STREAM_WINNER = 3, STREAM_PULSE = 4, STREAM_INITIAL = 5, STREAM_FAILURE = 9, STREAM_PROGRAM = 10 };
enum { PHASE_LABEL = 1, PHASE_TEST = 2 };
enum { BY_STDP, LTP_OF_ACTIVE, LTD_OF_ACTIVE }; /* what an update does */
enum { WORDS_OF_CELLS = 2, MOST_PROGRAMMING = 1000, FLUSH = 256, SIDE = 128, HEADER = 24 };
#if UINTPTR_MAX > 0xFFFFFFFFu
#define LANES 16u
#else
#define LANES 1u
#endif
#if LANES > 1 && defined(__clang__)
#define UNROLLED _Pragma("unroll")
#elif LANES > 1 && defined(__GNUC__)
#define UNROLLED _Pragma("GCC unroll 10")
#else
#define UNROLLED
#endif
#define CERTAIN 65536u
#define FAR (INT32_C(1) << 29) /* no threshold lies further away */

/* What only several layers, tiles read at many places and teachers need is compiled with SYNARRAY_STACK. */
#ifdef SYNARRAY_STACK
enum { STREAM_PLACE = 19, PHASE_FEATURES = 4 };
enum { COMPETE = 1, CONTRAST = 2 };
#define ABOVE(m) (m)->above
#define PIXELS(m) ((m)->channels ? (m)->inputs / (m)->channels : (m)->inputs)
#define INPUT_AT(t, input) ((input) + (t)->shift)
#else
#define ABOVE(m) ((const synarray_model *)NULL)
#define PIXELS(m) (m)->inputs
#define INPUT_AT(t, input) (input)
#endif

/* One group's cells, and where they lie in memory. */
typedef struct {
    unsigned group, rows, columns, neuron;
    uint32_t row, cell, byte, stride;
#ifdef SYNARRAY_STACK
    uint32_t shift; /* added to the inputs of its rows at the place where it is read */
#endif
} tile;

/* Where the random numbers of some pulses are drawn. */
typedef struct {
    uint32_t stream, step, presentation;
} place;

/* ---- random numbers: Philox-4x32-10 (Salmon et al., SC 2011), key (seed, stream), counter (block, step, presentation) */

/* Some blocks, one after another in out; processors of 64 bits compute several side by side, all rounds in registers. */
static void blocks(uint32_t *out, uint32_t block, place at, uint32_t seed, unsigned lanes)
{
    unsigned round, i;
    for (i = 0; i < lanes; i++) {
        uint32_t c0 = block + i, c1 = at.step, c2 = at.presentation, c3 = 0, k0 = seed, k1 = at.stream;
        UNROLLED
        for (round = 0; round < 10; round++) {
            const uint64_t p0 = (uint64_t)c0 * 0xD2511F53u, p1 = (uint64_t)c2 * 0xCD9E8D57u;
            c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint32_t)p1;
            c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint32_t)p0;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        out[4 * i] = c0;
        out[4 * i + 1] = c1;
        out[4 * i + 2] = c2;
        out[4 * i + 3] = c3;
    }
}

static uint32_t random_word(uint32_t block, place at, uint32_t seed)
{
    uint32_t words[4];
    blocks(words, block, at, seed, 1);
    return words[0];
}

/* 16-bit numbers i, i + 1, ... of a place, until the words are used up: then again. */
static void refill(uint32_t words[4 * LANES], unsigned i, place at, uint32_t seed)
{
    if (i % (8u * LANES) == 0) blocks(words, i / 8u, at, seed, LANES);
}

static uint32_t half(const uint32_t *words, unsigned i)
{
    i %= 8u * LANES;
    return (words[i >> 1] >> ((i & 1u) * 16u)) & 0xFFFFu;
}


/* ---- integers ------------------------------------------------------------------------------------------------------ */

static uint64_t high_product(uint64_t a, uint64_t b)
{
    const uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    const uint64_t middle = a1 * b0 + ((a0 * b0) >> 32);
    return a1 * b1 + (middle >> 32) + ((a0 * b1 + (uint32_t)middle) >> 32);
}

static uint64_t divide(uint64_t a, uint32_t b) /* no 64-bit division is called for: not every core's library has one */
{
    uint64_t quotient = 0, rest = 0;
    int i;
    for (i = 63; i >= 0; i--) {
        rest = (rest << 1) | ((a >> i) & 1u);
        if (rest >= b) {
            rest -= b;
            quotient |= (uint64_t)1 << i;
        }
    }
    return quotient;
}

static int32_t lowered(int32_t threshold, int32_t by) { return threshold - by < -FAR ? -FAR : threshold - by; }

static uint32_t log2_of(uint64_t x) /* of x > 0, below 2^40, units of 2^-24; good to 2^-26 */
{
    uint32_t exponent = 0, result, i;
    uint64_t m = x;
    while (m >> 32) {
        m >>= 1;
        exponent++;
    }
    exponent += 31;
    while (!(m >> 31)) {
        m <<= 1;
        exponent--;
    }
    result = exponent << 24;
    for (i = 1; i <= 24; i++) {
        m = (m * m) >> 31;
        if (m >> 32) {
            m >>= 1;
            result |= UINT32_C(1) << (24 - i);
        }
    }
    return result;
}

static uint32_t crc32(uint32_t crc, uint32_t byte)
{
    static const uint32_t nibble[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
        0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
    crc ^= byte;
    crc = (crc >> 4) ^ nibble[crc & 15u];
    return (crc >> 4) ^ nibble[crc & 15u];
}

/* ---- cells --------------------------------------------------------------------------------------------------------- */

static unsigned state_of(const synarray_model *m, unsigned code) { return m->state ? m->state[code] : code; }

static tile first_tile(const synarray_model *m)
{
    tile t = {0};
    t.rows = m->group_rows[0];
    t.columns = m->group_columns[0];
    t.stride = m->bits ? (t.columns * (m->bits < 8u ? m->bits : 8u) + 7u) / 8u : 0;
    return t;
}

static void next_tile(const synarray_model *m, tile *t)
{
    t->row += t->rows;
    t->cell += t->rows * t->columns;
    t->byte += t->rows * t->stride;
    t->neuron += t->columns;
    t->group++;
    if (t->group < m->groups) {
        t->rows = m->group_rows[t->group];
        t->columns = m->group_columns[t->group];
        t->stride = m->bits ? (t->columns * (m->bits < 8u ? m->bits : 8u) + 7u) / 8u : 0;
    }
}

static unsigned cell_code(synarray *s, const tile *t, unsigned row, unsigned column)
{
    const unsigned bits = s->model->bits;
    if (bits == 0) { /* behind a port: read its row alone */
        const uint16_t one = (uint16_t)row;
        int32_t seen;
        s->port->read(s->port->context, t->group, &one, 1, s->u);
        seen = s->u[column] + 127;
        return seen < 0 ? 0u : seen > 254 ? 254u : (unsigned)seen;
    }
    if (bits >= 8) return s->read_cells[t->byte + row * t->stride + column];
    if (bits == 2) return (s->read_cells[t->byte + row * t->stride + column / 4u] >> (column % 4u * 2u)) & 3u;
    return (s->read_cells[t->byte + row * t->stride + column / 2u] >> (column % 2u * 4u)) & 15u;
}

static void set_code(synarray *s, const tile *t, unsigned row, unsigned column, unsigned code)
{
    const unsigned bits = s->model->bits, halvings = bits == 2 ? 2u : bits == 4 ? 1u : 0u; /* 2^halvings cells a byte */
    uint8_t *byte = s->cells + t->byte + row * t->stride + (column >> halvings);
    const unsigned shift = (column & ((1u << halvings) - 1u)) * bits;
    if (bits >= 8) *byte = (uint8_t)code;
    else *byte = (uint8_t)((*byte & ~(((1u << bits) - 1u) << shift)) | (code << shift));
}

static int is_alive(const synarray *s, const tile *t, unsigned row, unsigned column)
{
    const uint32_t i = t->cell + row * t->columns + column;
    return !s->model->masked || ((s->alive[i >> 3] >> (i & 7u)) & 1u);
}

#ifndef SYNARRAY_NO_FLOAT
static float rounded(float x) /* no product may be fused with the sum that follows it */
{
    volatile float kept = x;
    return kept;
}

static unsigned float_state(float w) { return (unsigned)(rounded(w * 127.0f) + 127.5f); }

static float bounded(float w) { return w < -1.0f ? -1.0f : w > 1.0f ? 1.0f : w; }
#endif

static int certain(const synarray_model *m, unsigned law, uint32_t block, place at)
{
    const uint32_t chance = m->chance ? m->chance[law] : CERTAIN;
    return chance >= CERTAIN || (random_word(block, at, m->seed) & 0xFFFFu) < chance;
}

/* ---- encode -------------------------------------------------------------------------------------------------------- */

static uint32_t gain_of(const synarray_model *m, const uint8_t *image)
{
    uint32_t total = 0;
    uint64_t gain;
    unsigned i;
    if (m->gain_total == 0) return 65536u;
    for (i = 0; i < m->features; i++) total += image[i];
    gain = (divide(m->gain_total, total ? total : 1u) + ((uint64_t)1 << 23)) >> 24;
    return gain < (uint64_t)65536u * 255u ? (uint32_t)gain : 65536u * 255u;
}

static uint32_t spike(synarray *s, const uint8_t *image, uint32_t gain, place at)
{
    const synarray_model *m = s->model;
    const uint16_t *feature = m->input_feature, *intensity = m->intensity;
    uint32_t words[4u * LANES], active = 0, bits = 0;
    unsigned i;
    for (i = 0; i < m->inputs; i++) {
        const uint64_t level = ((uint64_t)image[*feature] * gain + 32768u) >> 16;
        uint32_t on;
        refill(words, i, at, m->seed);
        on = half(words, i) < intensity[level < 255u ? level : 255u];
#ifdef SYNARRAY_STACK
        intensity += 256u; /* the next channel, or the first one of the next feature */
        if (m->channels && intensity < m->intensity + 256u * m->channels) feature--;
        else intensity = m->intensity;
#endif
        feature++;
        active += on;
        bits |= on << (i & 31u);
        if ((i & 31u) == 31u || i + 1u == m->inputs) {
            s->x[i >> 5] = bits;
            bits = 0;
        }
    }
    return active;
}

static int is_active(const synarray *s, const tile *t, unsigned row)
{
    const unsigned input = INPUT_AT(t, s->model->row_input[t->row + row]);
    return (int)((s->x[input >> 5] >> (input & 31u)) & 1u);
}

/* ---- read ---------------------------------------------------------------------------------------------------------- */

static unsigned drive(synarray *s, const tile *t)
{
    unsigned j, n = 0;
    for (j = 0; j < t->rows; j++) {
        s->rows[n] = (uint16_t)j;
        n += (unsigned)is_active(s, t, j);
    }
    return n;
}

static void sum_lanes(const uint64_t *lanes, const uint8_t *cells, const uint16_t *rows, unsigned n, uint32_t stride,
                      uint64_t *sum)
{
    uint64_t even = 0, odd = 0;
    unsigned a;
    for (a = 0; a + 1 < n; a += 2) {
        even += lanes[cells[rows[a] * stride]];
        odd += lanes[cells[rows[a + 1] * stride]];
    }
    if (a < n) even += lanes[cells[rows[a] * stride]];
    *sum = even + odd;
}

#if LANES > 1
/* Add four rows at a time: then less is moved than added. */
#define ADD_ROWS(width)                                                                                          \
    for (; a + 4 <= last; a += 4) {                                                                              \
        const uint8_t *r0 = at + rows[a] * stride, *r1 = at + rows[a + 1] * stride;                              \
        const uint8_t *r2 = at + rows[a + 2] * stride, *r3 = at + rows[a + 3] * stride;                          \
        for (k = 0; k < (width); k++) sum[k] = (uint16_t)(sum[k] + r0[k] + r1[k] + r2[k] + r3[k]);                \
    }                                                                                                            \
    ADD_ROW(width)
#else
#define ADD_ROWS ADD_ROW
#endif
#define ADD_ROW(width)                                                                                           \
    for (; a < last; a++) {                                                                                      \
        const uint8_t *row = at + rows[a] * stride;                                                              \
        for (k = 0; k < (width); k++) sum[k] = (uint16_t)(sum[k] + row[k]);                                       \
    }

/* Add the bytes of some rows to u, in 16-bit sums of a few columns at a time. */
static void sum_bytes(int32_t *restrict u, const uint8_t *restrict cells, const uint16_t *restrict rows, unsigned n,
                      uint32_t stride, unsigned columns)
{
    unsigned a, b, k, first, wide;
    for (b = 0; b < columns; b += wide) {
        const uint8_t *at = cells + b;
        unsigned again = 0; /* columns of the piece that the one before it had */
        wide = columns - b >= SIDE ? SIDE : columns - b >= SIDE / 4 ? SIDE / 4 : columns - b;
#if LANES > 1
        if (wide < SIDE / 4 && columns >= SIDE / 4) {
            again = SIDE / 4 - wide;
            at -= again;
            wide = SIDE / 4;
        }
#endif
        for (first = 0; first < n; first += FLUSH) {
            const unsigned last = n - first < FLUSH ? n : first + FLUSH;
            uint16_t sum[SIDE] = {0};
            a = first;
            if (wide == SIDE) {
                ADD_ROWS(SIDE)
            } else if (wide == SIDE / 4) {
                ADD_ROWS(SIDE / 4)
            } else {
                ADD_ROWS(wide)
            }
            for (k = again; k < wide; k++) u[b + k - again] += sum[k];
        }
    }
}

/* Potentials of one group: u_k = sum of the active rows' cells + threshold. Returns the sum of their states. */
static void read_cells(synarray *s, const tile *t, unsigned n)
{
    const synarray_model *m = s->model;
    const unsigned per_byte = m->bits == 2 ? 4u : 2u;
    const uint8_t *cells = s->read_cells + t->byte;
    unsigned a, b, c, k;
    for (k = 0; k < t->columns; k++) s->u[k] = s->threshold[t->neuron + k] - 127 * (int32_t)n;
    if (m->bits >= 8) {
        if (!m->state) sum_bytes(s->u, cells, s->rows, n, t->stride, t->columns);
        else
            for (a = 0; a < n; a++) {
                const uint8_t *row = cells + s->rows[a] * t->stride;
                for (k = 0; k < t->columns; k++) s->u[k] += m->state[row[k]];
            }
        return;
    }
    for (a = 0; a < n; a += FLUSH)
        for (b = 0; b < t->stride; b++) {
            uint64_t sum;
            sum_lanes(m->lanes, cells + b, s->rows + a, n - a < FLUSH ? n - a : FLUSH, t->stride, &sum);
            for (c = 0, k = b * per_byte; c < per_byte && k < t->columns; c++, k++)
                s->u[k] += (int32_t)((sum >> (16u * c)) & 0xFFFFu);
        }
}

static void read_tile(synarray *s, const tile *t, unsigned n)
{
    unsigned k;
    if (s->model->bits) {
        read_cells(s, t, n);
        return;
    }
    for (k = 0; k < t->columns; k++) s->u[k] = 0;
    if (n) s->port->read(s->port->context, t->group, s->rows, n, s->u);
    for (k = 0; k < t->columns; k++) {
        const int32_t most = 127 * (int32_t)n;
        s->u[k] = s->threshold[t->neuron + k] + (s->u[k] < -most ? -most : s->u[k] > most ? most : s->u[k]);
    }
}

/* ---- winner -------------------------------------------------------------------------------------------------------- */

/* Softmax numerators 2^16 exp(-beta d / 127), while they are not 0. */
static void set_table(synarray *s, uint64_t q)
{
    const uint64_t one_half = (uint64_t)1 << 47;
    uint64_t value = q;
    uint32_t d = 1;
    if (s->table_q == q && s->table_size) return;
    for (s->table[0] = 0; d < s->model->table_room && value >= one_half; d++) { /* entry 0 is 2^16 */
        const uint64_t entry = (value >> 48) + ((value >> 47) & 1u);
        s->table[d] = (uint16_t)(entry > 65535u ? 65535u : entry);
        value = high_product(value, q);
    }
    s->table_size = d < s->model->table_room ? d : s->model->table_room - 1u;
    s->table[s->table_size] = 0; /* and so at all distances from there on */
    s->table_q = q;
}

static unsigned draw_winner(synarray *s, unsigned columns, uint32_t random)
{
    const uint16_t *table = s->table;
    const uint32_t size = s->table_size;
    int32_t *u = s->u, top = u[0];
    uint32_t total = 0, left;
    unsigned k;
    for (k = 1; k < columns; k++)
        if (u[k] > top) top = u[k];
    for (k = 0; k < columns; k++) { /* in two loops: the look-ups are not made of vectors */
        const uint32_t distance = (uint32_t)(top - u[k]);
        u[k] = (int32_t)(distance < size ? distance : size);
    }
#if LANES > 1 && defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 4
#endif
    for (k = 0; k < columns; k++) {
        const uint32_t numerator = table[u[k]] + (u[k] ? 0u : 65536u);
        u[k] = (int32_t)numerator;
        total += numerator;
    }
    left = (uint32_t)(((uint64_t)random * total) >> 32);
    for (k = 0; left >= (uint32_t)u[k]; k++) left -= (uint32_t)u[k];
    return k;
}

#ifdef SYNARRAY_STACK
static uint32_t numerator_at(const synarray *s, int32_t top, unsigned k)
{
    const uint32_t distance = (uint32_t)(top - s->u[k]);
    return s->table[distance < s->table_size ? distance : s->table_size] + (distance ? 0u : 65536u);
}

/* Draw a winner among some columns, and leave the potentials as they are. */
static unsigned draw_among(const synarray *s, unsigned low, unsigned high, uint32_t random)
{
    int32_t top = s->u[low];
    uint32_t total = 0, left;
    unsigned k;
    for (k = low; k < high; k++)
        if (s->u[k] > top) top = s->u[k];
    for (k = low; k < high; k++) total += numerator_at(s, top, k);
    left = (uint32_t)(((uint64_t)random * total) >> 32);
    for (k = low; left >= numerator_at(s, top, k); k++) left -= numerator_at(s, top, k);
    return k;
}
#endif

/* ---- pulses -------------------------------------------------------------------------------------------------------- */

typedef struct {
    unsigned code, state;
#ifndef SYNARRAY_NO_FLOAT
    float w;
#endif
} cell;

static cell get_cell(synarray *s, const tile *t, unsigned row, unsigned column)
{
    cell c;
    c.code = cell_code(s, t, row, column);
    c.state = state_of(s->model, c.code);
#ifndef SYNARRAY_NO_FLOAT
    c.w = s->w ? s->w[t->cell + column * t->rows + row] : 0.0f; /* a neuron's cells lie together: they learn together */
#endif
    return c;
}

static void put_cell(synarray *s, const tile *t, unsigned row, unsigned column, cell c)
{
    if (s->model->bits == 0) return; /* it is where the pulses went */
    set_code(s, t, row, column, c.code);
#ifndef SYNARRAY_NO_FLOAT
    if (s->w) s->w[t->cell + column * t->rows + row] = c.w;
#endif
}

/* One pulse that works. */
static void pulse(synarray *s, const tile *t, unsigned row, unsigned column, unsigned on, cell *c)
{
    const synarray_model *m = s->model;
    if (m->bits == 0) {
        s->port->pulse(s->port->context, t->group, column, row, on ? 1 : -1);
        c->code = cell_code(s, t, row, column);
    }
#ifndef SYNARRAY_NO_FLOAT
    else if (s->w) {
        c->w = bounded(c->w + m->step[256u * on + c->state]);
        c->code = float_state(c->w);
    }
#endif
    else c->code = m->next[on * m->codes + c->code];
    c->state = state_of(m, c->code);
}

static int same(const synarray *s, cell a, cell b)
{
#ifndef SYNARRAY_NO_FLOAT
    if (s->w) return a.w >= b.w && a.w <= b.w;
#endif
    (void)s;
    return a.code == b.code;
}

/* Bits of a word that change from one level to another, and the states that their cells meet on the way. */
static void count_bits(synarray *s, unsigned old, unsigned new_level, unsigned up_event, unsigned down_event)
{
    unsigned changed = old ^ new_level, bit;
    for (bit = 0; changed >> bit; bit++) {
        const unsigned up = (new_level >> bit) & 1u, event = up ? up_event : down_event;
        if (((changed >> bit) & 1u) == 0) continue;
        s->events[event]++;
        s->events[event == SYNARRAY_LTP_PULSE ? SYNARRAY_LTP_LEVEL
                  : event == SYNARRAY_LTD_PULSE ? SYNARRAY_LTD_LEVEL
                  : event == SYNARRAY_PRUNING_PULSE ? SYNARRAY_PRUNING_LEVEL : SYNARRAY_INITIAL_LEVEL] += 254u;
    }
}

/* Send n learning pulses to one cell. */
static void learn_cell(synarray *s, const tile *t, unsigned row, unsigned column, unsigned on, uint32_t n, place at)
{
    const synarray_model *m = s->model;
    const cell before = get_cell(s, t, row, column);
    cell c = before;
    uint32_t i, failed = 0, level = 0;
    if (m->device == WORDS_OF_CELLS) {
        for (i = 0; i < n; i++) pulse(s, t, row, column, on, &c);
        count_bits(s, before.code, c.code, SYNARRAY_LTP_PULSE, SYNARRAY_LTD_PULSE);
        put_cell(s, t, row, column, c);
        return;
    }
#ifndef SYNARRAY_NO_FLOAT
    if (s->w && !m->device) { /* ideal weights make their n steps at once */
        c.w = bounded(c.w + rounded((float)n * m->step[256u * on + c.state]));
        c.code = c.state = float_state(c.w);
    } else
#endif
        for (i = 0; i < n; i++) {
            level += (i ? 2u : 1u) * c.state;
            if (!certain(m, on * m->codes + c.code, row + (i << 20), at)) failed++;
            else pulse(s, t, row, column, on, &c);
        }
    if (m->device) s->events[on ? SYNARRAY_LTP_LEVEL : SYNARRAY_LTD_LEVEL] += level + c.state;
    s->events[on ? SYNARRAY_LTP_PULSE : SYNARRAY_LTD_PULSE] += n;
    s->events[SYNARRAY_PULSE_FAILED] += failed;
    if (same(s, c, before)) s->events[SYNARRAY_PULSE_AT_BOUND] += n - failed;
    put_cell(s, t, row, column, c);
}

static void send(synarray *s, const tile *t, unsigned row, unsigned column, unsigned on, uint32_t n, place at)
{
    if (is_alive(s, t, row, column)) learn_cell(s, t, row, column, on, n, at);
    else s->events[SYNARRAY_PULSE_SKIPPED] += n;
}

/* Whether row j's cell may get pulses at all, and how many the law asks of it, in update(). */
#define MAY_WANT(j)                                                                                                     \
    const unsigned input = INPUT_AT(t, inputs[j]), active = (x[input >> 5] >> (input & 31u)) & 1u;                       \
    const unsigned on = how == BY_STDP ? active : how == LTP_OF_ACTIVE;                                                  \
    const uint32_t number = half(words, j);                                                                             \
    const int may = number >= s->least[on] && (how == BY_STDP || active);                                                \
    if (masked) learning += (uint32_t)is_alive(s, t, j, column);
#define CODE(j) (codes ? ((unsigned)codes[(j) * stride] >> shift) & mask : cell_code(s, t, j, column))

/* STDP: n = floor(mean + U(0, 1)) pulses on each alive cell of the winner, LTP where its input was active, LTD elsewhere.
 * A teacher asks for LTP or for LTD where the input was active, and for nothing elsewhere. */
static void update(synarray *s, const tile *t, unsigned column, unsigned how, place at)
{
    const synarray_model *m = s->model;
    const unsigned halvings = m->bits == 2 ? 2u : m->bits == 4 ? 1u : 0u;
    const unsigned shift = (column & ((1u << halvings) - 1u)) * m->bits, mask = m->bits < 8 ? (1u << m->bits) - 1u : 255u;
    const uint8_t *codes = m->bits ? s->read_cells + t->byte + (column >> halvings) : NULL;
    const uint16_t *inputs = m->row_input + t->row;
    const uint32_t *x = s->x, *pulses = s->pulses, stride = t->stride, ltp = m->codes;
    const unsigned rows = t->rows, masked = m->masked;
    uint32_t words[4u * LANES], learning = masked ? 0 : rows;
    place failure = at;
    unsigned j;
    at.stream = STREAM_PULSE;
    failure.stream = STREAM_FAILURE;
#if LANES > 1 /* list the cells that get pulses, then send them: no branch is foreseen wrongly */
    {
        uint32_t listed[8u * LANES];
        unsigned first, some, hits, i;
        for (first = 0; first < rows; first += 8u * LANES) {
            const unsigned last = rows - first < 8u * LANES ? rows : first + 8u * LANES;
            blocks(words, first / 8u, at, m->seed, LANES);
            for (j = first, some = 0; j < last; j++) {
                MAY_WANT(j)
                listed[some] = on << 16 | j;
                some += (unsigned)may;
            }
            for (i = 0, hits = 0; i < some; i++) {
                const unsigned row = listed[i] & 0xFFFFu, on = listed[i] >> 16;
                const uint32_t n = (pulses[(on ? ltp : 0) + CODE(row)] + half(words, row)) >> 16;
                listed[hits] = n << 17 | listed[i];
                hits += n > 0;
            }
            for (i = 0; i < hits; i++)
                send(s, t, listed[i] & 0xFFFFu, column, (listed[i] >> 16) & 1u, listed[i] >> 17, failure);
        }
    }
#else
    for (j = 0; j < rows; j++) {
        refill(words, j, at, m->seed);
        {
            MAY_WANT(j)
            const uint32_t n = may ? (pulses[(on ? ltp : 0) + CODE(j)] + number) >> 16 : 0;
            if (n) send(s, t, j, column, on, n, failure);
        }
    }
#endif
    s->events[SYNARRAY_OUTPUT_SPIKE]++;
    s->events[SYNARRAY_CELL_READ] += learning * m->looks;
    if (m->masked) s->events[SYNARRAY_MASK_LOOKUP] += t->rows;
}

/* ---- program and prune --------------------------------------------------------------------------------------------- */

/* Write-verify: pulses until the cell is where toward says 0 (1: it is below, 2: above), a read after each. */
static cell program(synarray *s, const tile *t, unsigned row, unsigned column, cell c, const uint8_t *toward, float goal,
                    unsigned event, place at)
{
    const synarray_model *m = s->model;
    const unsigned level = event == SYNARRAY_PRUNING_PULSE ? SYNARRAY_PRUNING_LEVEL : SYNARRAY_INITIAL_LEVEL;
    unsigned on = 0, i;
#ifndef SYNARRAY_NO_FLOAT
    goal = bounded(goal);
    on = s->w ? c.w < goal : toward[c.code] == 1u;
#else
    (void)goal;
    on = toward[c.code] == 1u;
#endif
    s->events[SYNARRAY_VERIFY_READ]++;
    s->events[SYNARRAY_VERIFY_LEVEL] += 2u * c.state;
    for (i = 0; i < MOST_PROGRAMMING; i++) {
        const unsigned before = c.state;
#ifndef SYNARRAY_NO_FLOAT
        if (s->w) {
            const float step = m->step[256u * on + c.state];
            if ((on ? c.w >= goal : c.w <= goal) || (step >= 0.0f && step <= 0.0f)) break;
        } else
#endif
            if (toward[c.code] != (on ? 1u : 2u) || (m->next && m->next[on * m->codes + c.code] == c.code)) break;
        s->events[event]++;
        s->events[SYNARRAY_VERIFY_READ]++;
        if (certain(m, on * m->codes + c.code, 2u * row + ((uint32_t)i << 22), at)) pulse(s, t, row, column, on, &c);
        else s->events[SYNARRAY_PULSE_FAILED]++;
        s->events[level] += before + c.state;
        s->events[SYNARRAY_VERIFY_LEVEL] += 2u * c.state;
    }
    return c;
}

/* Bring a pruned cell to its constant by counted pulses, and freeze it there. */
static void freeze(synarray *s, const tile *t, unsigned row, unsigned column)
{
    const synarray_model *m = s->model;
    const uint32_t i = t->cell + row * t->columns + column, k = t->neuron + column;
    cell c = get_cell(s, t, row, column);
    s->alive[i >> 3] = (uint8_t)(s->alive[i >> 3] & ~(1u << (i & 7u)));
    s->events[SYNARRAY_CELL_PRUNED]++;
    if (m->device == WORDS_OF_CELLS) { /* moved as a whole; goal is the level itself */
        const unsigned old = c.code;
        c.code = m->goal[old];
        count_bits(s, old, c.code, SYNARRAY_PRUNING_PULSE, SYNARRAY_PRUNING_PULSE);
    } else {
        place at = {STREAM_PROGRAM, 0, 0};
        at.step = k;
        at.presentation = s->spikes[k];
        c = program(s, t, row, column, c, m->goal, m->constant, SYNARRAY_PRUNING_PULSE, at);
    }
    put_cell(s, t, row, column, c);
}

/* Prune a neuron's lowest cells until so many are; ties go by cell order. */
static void prune(synarray *s, const tile *t, unsigned column, unsigned cells)
{
    unsigned j, level = 0, pruned = 0;
    for (j = 0; j < t->rows; j++) pruned += !is_alive(s, t, j, column);
    while (pruned < cells && level < 255u) {
        unsigned next = 255u;
        for (j = 0; j < t->rows && pruned < cells; j++) {
            unsigned state;
            if (!is_alive(s, t, j, column)) continue;
            state = state_of(s->model, cell_code(s, t, j, column));
            if (state == level) {
                freeze(s, t, j, column);
                pruned++;
            } else if (state > level && state < next) next = state;
        }
        level = next;
    }
}

/* Homeostasis, and pruning where the neuron's spike count says so. */
static void after_spike(synarray *s, const tile *t, unsigned column, uint32_t step)
{
    const synarray_model *m = s->model;
    const uint32_t k = t->neuron + column;
    unsigned stage, j;
    s->threshold[k] = lowered(s->threshold[k], (int32_t)step);
    if (!m->masked) return;
    s->spikes[k]++;
    for (stage = 0; stage < m->stages; stage++)
        if (m->stage_spikes[stage] == s->spikes[k])
            prune(s, t, column, m->stage_cells[stage * m->groups + t->group]);
    if (m->maturity == 0 || s->spikes[k] < m->maturity) return;
    for (j = 0; j < t->rows; j++)
        if (is_alive(s, t, j, column)) {
            const cell c = get_cell(s, t, j, column);
#ifndef SYNARRAY_NO_FLOAT
            if (s->w ? c.w <= -1.0f : c.code == 0) freeze(s, t, j, column);
#else
            if (c.code == 0) freeze(s, t, j, column);
#endif
        }
}

/* ---- schedules ----------------------------------------------------------------------------------------------------- */

static void set_moment(synarray *s)
{
    const synarray_model *m = s->model;
    unsigned i, on;
    for (i = 0; i < 2u * m->codes; i++) {
        uint64_t n = m->pulse_free[i];
        if (m->moment_gain) n = (high_product(n, m->moment_gain[s->moment]) + ((uint64_t)1 << 29)) >> 30;
        else n = (n >> 32) + ((n >> 31) & 1u);
        s->pulses[i] = n < m->pulse_most[i] ? (uint32_t)n : m->pulse_most[i];
    }
    for (i = 0; i < m->corrections; i++)
        if (m->correction[i].moment == s->moment) s->pulses[m->correction[i].index] = m->correction[i].pulses;
    for (on = 0; on < 2; on++) {
        uint32_t most = 0;
        for (i = on * m->codes; i < (on + 1u) * m->codes; i++)
            if (s->pulses[i] > most) most = s->pulses[i];
        s->least[on] = most < 65536u ? 65536u - most : 0;
    }
}

/* Which moment of the schedule the next presentation belongs to, and how many more do. */
static void find_moment(synarray *s)
{
    const synarray_model *m = s->model;
    uint32_t rest = s->presentation;
    for (s->moment = 0; s->moment + 1u < m->moments && rest >= m->moment_images[s->moment]; s->moment++)
        rest -= m->moment_images[s->moment];
    s->left = m->moment_images[s->moment] - rest % m->moment_images[s->moment];
    set_moment(s);
}

/* Shift each group's thresholds so that the highest is 0: winners depend on differences only. */
static void settle_thresholds(synarray *s)
{
    const synarray_model *m = s->model;
    tile t = first_tile(m);
    for (; t.group < m->groups; next_tile(m, &t)) {
        int32_t top = s->threshold[t.neuron];
        unsigned k;
        for (k = 1; k < t.columns; k++)
            if (s->threshold[t.neuron + k] > top) top = s->threshold[t.neuron + k];
        for (k = 0; k < t.columns; k++) s->threshold[t.neuron + k] = lowered(s->threshold[t.neuron + k], top);
    }
}

/* ---- the functions of the header ----------------------------------------------------------------------------------- */

static uint32_t most_of(const uint16_t *counts, unsigned n)
{
    uint32_t most = 0;
    for (; n; n--)
        if (counts[n - 1] > most) most = counts[n - 1];
    return most;
}

static size_t part(uint8_t **free_memory, size_t bytes, void **where)
{
    *where = bytes && *free_memory ? *free_memory : NULL;
    bytes = (bytes + 3u) & ~(size_t)3u;
    if (*free_memory) *free_memory += bytes;
    return bytes;
}

static size_t counts_of(const synarray_model *m) /* label counts of its neurons */
{
#ifdef SYNARRAY_STACK
    if (ABOVE(m) || m->teacher == CONTRAST) return 0;
#endif
    return (size_t)m->neurons * m->classes;
}

/* Lay the state out from memory on (NULL: only say how much of it there is). */
static size_t lay_out(synarray *s, const synarray_model *m, uint8_t *memory)
{
    const size_t neurons = m->neurons, learns = m->fixed_cells == NULL, masked = m->masked && learns;
    const unsigned columns = (most_of(m->group_columns, m->groups) + 3u) & ~3u;
    size_t total = 0, cells;
    void *where = NULL;
    tile t = first_tile(m);
    while (t.group < m->groups) next_tile(m, &t);
    cells = t.cell;
    s->cell_bytes = t.byte;
    s->alive_bytes = masked ? (t.cell + 7u) / 8u : 0;
#ifdef SYNARRAY_STACK
    total += part(&memory, m->teacher == CONTRAST ? 8u * (size_t)m->classes : 0, &where);
    s->votes = where;
#endif
    total += part(&memory, neurons * 4u, &where);
    s->threshold = where;
    total += part(&memory, masked ? neurons * 4u : 0, &where);
    s->spikes = where;
    total += part(&memory, learns ? 8u * (size_t)m->codes : 0, &where);
    s->pulses = where;
    total += part(&memory, (m->inputs + 31u) / 32u * 4u, &where);
    s->x = where;
    total += part(&memory, columns * 4u, &where);
    s->u = where;
    total += part(&memory, m->bits == 32 && learns ? cells * 4u : 0, &where);
    s->w = where;
    total += part(&memory, learns ? counts_of(m) * 2u : 0, &where);
    s->counts = where;
    total += part(&memory, m->table_room * 2u, &where);
    s->table = where;
    total += part(&memory, most_of(m->group_rows, m->groups) * 2u, &where);
    s->rows = where;
    total += part(&memory, (size_t)m->groups * (m->label_windows > m->test_windows ? m->label_windows : m->test_windows) * 2u,
                  &where);
    s->fired = where;
    total += part(&memory, learns ? s->cell_bytes : 0, &where);
    s->cells = where;
    total += part(&memory, s->alive_bytes, &where);
    s->alive = where;
    s->read_cells = learns ? s->cells : m->fixed_cells;
    s->read_counts = learns ? s->counts : m->fixed_counts;
    return total;
}

static void start_cell(synarray *s, const tile *t, unsigned row, unsigned column, uint32_t word)
{
    const synarray_model *m = s->model;
    unsigned goal = 0, i = m->starts;
    cell c;
    c.code = 0;
    c.state = state_of(m, 0);
    if (i) {
        while (i > 1 && word < m->start_word[i - 1u]) i--;
        goal = m->start_code[i - 1u];
    }
#ifndef SYNARRAY_NO_FLOAT
    c.w = -1.0f;
    if (s->w) {
        volatile double spread = (2.0 * ((double)word * (1.0 / 4294967296.0)) - 1.0) * m->w_spread;
        const double w = m->w_start + spread;
        if (!m->device) {
            c.w = m->start_w ? m->start_w[i - 1u] : (float)(w < -1.0 ? -1.0 : w > 1.0 ? 1.0 : w);
            c.code = c.state = float_state(c.w);
        } else {
            place at = {STREAM_PROGRAM, 0, 0xFFFFFFFFu};
            at.step = t->neuron + column;
            c = program(s, t, row, column, c, NULL, (float)w, SYNARRAY_INITIAL_PULSE, at);
        }
    } else
#endif
    if (m->device == WORDS_OF_CELLS) {
        count_bits(s, 0, goal, SYNARRAY_INITIAL_PULSE, SYNARRAY_INITIAL_PULSE);
        c.code = goal;
    } else if (!m->device) {
        c.code = goal;
    } else { /* climb there from g_min by write-verify */
        place at = {STREAM_PROGRAM, 0, 0xFFFFFFFFu};
        at.step = t->neuron + column;
        s->events[SYNARRAY_VERIFY_READ]++;
        s->events[SYNARRAY_VERIFY_LEVEL] += 2u * c.state;
        for (i = 0; i < MOST_PROGRAMMING && c.code != goal; i++) {
            const unsigned before = c.state;
            s->events[SYNARRAY_INITIAL_PULSE]++;
            s->events[SYNARRAY_VERIFY_READ]++;
            if (certain(m, m->codes + c.code, 2u * row + ((uint32_t)i << 22), at)) pulse(s, t, row, column, 1, &c);
            else s->events[SYNARRAY_PULSE_FAILED]++;
            s->events[SYNARRAY_INITIAL_LEVEL] += before + c.state;
            s->events[SYNARRAY_VERIFY_LEVEL] += 2u * c.state;
        }
    }
    put_cell(s, t, row, column, c);
}

/* Bring all cells to where learning starts. */
static void start_cells(synarray *s)
{
    const synarray_model *m = s->model;
    const place at = {STREAM_INITIAL, 0, 0};
    const uint32_t width = most_of(m->group_rows, m->groups);
    tile t = first_tile(m);
    for (; t.group < m->groups; next_tile(m, &t)) {
        unsigned column, row;
        for (column = 0; column < t.columns; column++) {
            uint32_t words[4] = {0, 0, 0, 0}, block = 0xFFFFFFFFu;
            for (row = 0; row < t.rows; row++) {
                const uint32_t i = (t.neuron + column) * width + row;
                if (i >> 2 != block) blocks(words, block = i >> 2, at, m->seed, 1);
                start_cell(s, &t, row, column, words[i & 3u]);
            }
        }
    }
}

static void start(synarray *s, uint8_t *memory, const synarray_model *model, const synarray_port *port)
{
    size_t i;
    s->model = model;
    s->port = port;
    (void)lay_out(s, model, memory);
    s->presentation = s->moment = s->left = s->table_size = 0;
    s->table_q = 0;
    for (i = 0; i < SYNARRAY_EVENTS; i++) s->events[i] = 0;
    for (i = 0; i < s->alive_bytes; i++) s->alive[i] = 0xFF;
    if (model->fixed_cells) {
        for (i = 0; i < model->neurons; i++) s->threshold[i] = model->fixed_threshold[i];
        return;
    }
    if (model->bits) start_cells(s);
    find_moment(s);
}

synarray_status synarray_init(synarray *s, void *memory, size_t bytes, const synarray_model *model,
                              const synarray_port *port)
{
    uint8_t *base = memory;
    const synarray_model *m;
    size_t total = 0, i;
    if (!s || !memory || !model || (model->bits == 0 && !port)) return SYNARRAY_NULL;
    for (m = model; m; m = ABOVE(m)) {
#ifdef SYNARRAY_NO_FLOAT
        if (m->bits == 32) return SYNARRAY_NO_SUPPORT;
#endif
        total = ((total + 7u) & ~(size_t)7u) + lay_out(s, m, NULL);
    }
    if (bytes < total || ((uintptr_t)memory & 7u)) return SYNARRAY_SMALL_MEMORY;
    for (i = 0; i < total; i++) base[i] = 0;
    for (m = model; m; m = ABOVE(m), s++) {
        start(s, base, m, port);
        base += (lay_out(s, m, base) + 7u) & ~(size_t)7u;
    }
    return SYNARRAY_OK;
}

static uint32_t key_of(const synarray_model *m, const uint8_t *image) /* where numbers are drawn that belong to an image */
{
    uint32_t key = 0xFFFFFFFFu;
    unsigned i;
    for (i = 0; i < PIXELS(m); i++) key = crc32(key, image[m->input_feature[i]]);
    return ~key;
}

/* Read the active rows of a group while learning. */
static void read_counted(synarray *s, const tile *t, unsigned active)
{
    read_tile(s, t, active);
    s->events[SYNARRAY_ROW_READ] += active;
    s->events[SYNARRAY_COLUMN_SENSE] += t->columns;
}

/* Learn with one group at one place: read it, draw a winner, update it. draw: its number in window at.step, of all. */
static unsigned learn_tile(synarray *s, const tile *t, unsigned active, unsigned draw, unsigned all, place at)
{
    unsigned column;
    read_counted(s, t, active);
    at.stream = STREAM_WINNER;
    column = draw_winner(s, t->columns, random_word(draw, at, s->model->seed));
    at.step = at.step * all + draw;
    update(s, t, column, BY_STDP, at);
    after_spike(s, t, column, s->model->moment_step[s->moment]);
    return t->neuron + column;
}

static void next_presentation(synarray *s)
{
    s->presentation++;
    if (--s->left == 0) {
        settle_thresholds(s);
        find_moment(s);
    }
}

#ifdef SYNARRAY_STACK
/* ---- several layers, teachers -------------------------------------------------------------------------------------- */

static synarray *last_of(synarray *s)
{
    while (s->model->above) s++;
    return s;
}

/* Read a frozen layer at every place; its winners, pooled, are the inputs of the layer above. */
static void pool(synarray *s, int counted, place at)
{
    const synarray_model *m = s->model;
    uint32_t *map = s[1].x;
    tile t = first_tile(m);
    unsigned i, site = 0;
    for (i = 0; i < (s[1].model->inputs + 31u) / 32u; i++) map[i] = 0;
    set_table(s, m->final_q);
    for (; t.group < m->groups; next_tile(m, &t))
        for (i = 0; i < m->sites; i++, site++) {
            unsigned active, input;
            t.shift = m->site_shift[i];
            active = drive(s, &t);
            if (active < m->min_active) continue;
            if (counted) read_counted(s, &t, active);
            else read_tile(s, &t, active);
            input = m->site_cell[site] * (unsigned)m->map_channels + draw_winner(s, t.columns, random_word(site, at, m->seed));
            map[input >> 5] |= UINT32_C(1) << (input & 31u);
        }
}

/* What an image is in one window to the layer at the end: encode it, pass it through the layers below. */
static void show(synarray *s, const synarray *end, const uint8_t *image, uint32_t gain, uint32_t phase, int counted, place at)
{
    uint32_t active;
    at.stream = STREAM_INPUT + (phase << 8);
    active = spike(s, image, gain, at);
    if (counted) s->events[SYNARRAY_INPUT_SPIKE] += active;
    at.stream = STREAM_WINNER + (phase << 8);
    for (; s != end; s++) pool(s, counted, at);
}

static void raise_threshold(synarray *s, unsigned neuron, uint32_t step)
{
    const int32_t now = s->threshold[neuron];
    s->threshold[neuron] = now > FAR - (int32_t)step ? FAR : now + (int32_t)step;
}

/* Learn with one group from an input whose class is known. */
static unsigned teach_tile(synarray *s, const tile *t, unsigned active, unsigned label, place at)
{
    const synarray_model *m = s->model;
    const unsigned low = t->columns * label / m->classes, high = t->columns * (label + 1u) / m->classes;
    const unsigned window = at.step, competes = m->teacher == COMPETE && s->moment < m->calibrates;
    const uint32_t step = m->moment_step[s->moment];
    unsigned column, right, k;
    read_counted(s, t, active);
    at.stream = STREAM_WINNER;
    column = draw_among(s, competes ? low : 0, competes ? high : t->columns, random_word(t->group, at, m->seed));
    if (competes) {
        at.step = window * m->groups + t->group;
        update(s, t, column, BY_STDP, at);
        after_spike(s, t, column, step);
        return t->neuron + column;
    }
    if (m->teacher == COMPETE) s->events[SYNARRAY_OUTPUT_SPIKE]++;
    if (column >= low && column < high) return t->neuron + column;
    if (m->teacher == COMPETE) {
        for (k = low; k < high; k++) raise_threshold(s, t->neuron + k, step);
    } else {
        right = draw_among(s, low, high, random_word(m->groups + t->group, at, m->seed));
        at.step = 2u * (window * m->groups + t->group);
        update(s, t, right, LTP_OF_ACTIVE, at);
        raise_threshold(s, t->neuron + right, step);
        at.step++;
        update(s, t, column, LTD_OF_ACTIVE, at);
    }
    s->threshold[t->neuron + column] = lowered(s->threshold[t->neuron + column], (int32_t)step);
    return t->neuron + column;
}

/* The layer that learns now: the lowest one that has not had all its images, or the last one. */
static synarray *learning(synarray *s)
{
    while (s->model->above && s->presentation >= s->model->total) s++;
    return s;
}

static void learn_image(synarray *s, const uint8_t *image, unsigned label, uint16_t *winners)
{
    synarray *now = learning(s);
    const synarray_model *m = now->model;
    const uint32_t gain = gain_of(s->model, image), all = (uint32_t)m->groups * m->draws;
    const uint32_t shown = now == s ? now->presentation : key_of(s->model, image);
    unsigned window;
    now->events[SYNARRAY_PRESENTATION]++;
    for (window = 0; window < m->windows; window++) {
        place at = {0, 0, 0}, learned = {STREAM_PLACE, 0, 0};
        tile t = first_tile(m);
        unsigned i, draw = 0;
        at.step = learned.step = window;
        at.presentation = shown;
        learned.presentation = now->presentation;
        show(s, now, image, gain, now == s ? 0 : PHASE_FEATURES, 1, at);
        set_table(now, m->moment_q[now->moment]);
        for (; t.group < m->groups; next_tile(m, &t))
            for (i = 0; i < m->draws; i++, draw++) {
                unsigned site = i, active, winner = 0xFFFFu;
                if (m->at_random) site = (unsigned)(((uint64_t)random_word(draw, learned, m->seed) * m->sites) >> 32);
                t.shift = m->site_shift[site];
                active = drive(now, &t);
                if (active >= m->min_active)
                    winner = m->teacher ? teach_tile(now, &t, active, label, learned)
                                        : learn_tile(now, &t, active, draw, all, learned);
                if (winners) winners[window * all + draw] = (uint16_t)winner;
            }
    }
    next_presentation(now);
}

synarray_status synarray_teach(synarray *s, const uint8_t *image, size_t n, unsigned label, uint16_t *winners)
{
    if (!s || !image) return SYNARRAY_NULL;
    if (s->model->fixed_cells) return SYNARRAY_READ_ONLY;
    if (n != s->model->features) return SYNARRAY_IMAGE_SIZE;
    if (label >= last_of(s)->model->classes) return SYNARRAY_NO_SUCH_CLASS;
    learn_image(s, image, label, winners);
    return SYNARRAY_OK;
}

/* What each class's neurons say of an image: sum over windows and groups of log2 sum exp(beta u). */
static void weigh_classes(synarray *s, synarray *last, const uint8_t *image)
{
    const synarray_model *m = last->model;
    const uint32_t gain = gain_of(s->model, image);
    unsigned c, k, window;
    for (c = 0; c < m->classes; c++) last->votes[c] = 0;
    for (window = 0; window < m->test_windows; window++) {
        place at = {0, 0, 0};
        tile t = first_tile(m);
        at.step = window;
        at.presentation = key_of(s->model, image);
        show(s, last, image, gain, PHASE_TEST, 0, at);
        set_table(last, m->final_q);
        for (; t.group < m->groups; next_tile(m, &t)) {
            read_tile(last, &t, drive(last, &t));
            for (c = 0; c < m->classes; c++) {
                const unsigned low = t.columns * c / m->classes, high = t.columns * (c + 1u) / m->classes;
                int32_t top = last->u[low];
                uint64_t total = 0;
                for (k = low; k < high; k++)
                    if (last->u[k] > top) top = last->u[k];
                for (k = low; k < high; k++) total += numerator_at(last, top, k);
                last->votes[c] += (int64_t)top * (int64_t)m->vote_scale / 256 + (int64_t)log2_of(total) - (INT64_C(16) << 24);
            }
        }
    }
}
#else
#define last_of(s) (s)

static void learn_image(synarray *s, const uint8_t *image, uint16_t *winners)
{
    const synarray_model *m = s->model;
    const uint32_t gain = gain_of(m, image);
    unsigned window;
    set_table(s, m->moment_q[s->moment]);
    s->events[SYNARRAY_PRESENTATION]++;
    for (window = 0; window < m->windows; window++) {
        place at = {STREAM_INPUT, 0, 0};
        tile t = first_tile(m);
        at.step = window;
        at.presentation = s->presentation;
        s->events[SYNARRAY_INPUT_SPIKE] += spike(s, image, gain, at);
        for (; t.group < m->groups; next_tile(m, &t)) {
            const unsigned winner = learn_tile(s, &t, drive(s, &t), t.group, m->groups, at);
            if (winners) winners[window * m->groups + t.group] = (uint16_t)winner;
        }
    }
    next_presentation(s);
}
#endif

synarray_status synarray_learn(synarray *s, const uint8_t *image, size_t n, uint16_t *winners)
{
    if (!s || !image) return SYNARRAY_NULL;
    if (s->model->fixed_cells) return SYNARRAY_READ_ONLY;
    if (n != s->model->features) return SYNARRAY_IMAGE_SIZE;
#ifdef SYNARRAY_STACK
    if (learning(s)->model->teacher) return SYNARRAY_NEEDS_CLASS;
    learn_image(s, image, 0, winners);
#else
    learn_image(s, image, winners);
#endif
    return SYNARRAY_OK;
}

/* Show an image without learning; a neuron that fired is held back by the refractory potential. Fills fired of the last layer. */
static void infer(synarray *s, const uint8_t *image, unsigned windows, uint32_t phase)
{
    synarray *last = last_of(s);
    const synarray_model *m = last->model;
    const uint32_t gain = gain_of(s->model, image), key = key_of(s->model, image);
    unsigned i, window;
    set_table(last, m->final_q);
    for (window = 0; window < windows; window++) {
        place at = {0, 0, 0};
        tile t = first_tile(m);
        at.presentation = key;
#ifdef SYNARRAY_STACK
        { /* neurons above others are named by the windows that they learned from */
            const int learned = last != s && phase == PHASE_LABEL;
            at.step = learned ? window % m->windows : window;
            show(s, last, image, gain, learned ? PHASE_FEATURES : phase, 0, at);
        }
        at.step = window;
#else
        at.step = window;
        at.stream = STREAM_INPUT + (phase << 8);
        (void)spike(s, image, gain, at);
#endif
        at.stream = STREAM_WINNER + (phase << 8);
        for (; t.group < m->groups; next_tile(m, &t)) {
            unsigned k;
            read_tile(last, &t, drive(last, &t));
            k = t.neuron + draw_winner(last, t.columns, random_word(t.group, at, m->seed));
            last->fired[window * m->groups + t.group] = (uint16_t)k;
            last->threshold[k] -= m->refractory;
        }
    }
    for (i = 0; i < windows * m->groups; i++) last->threshold[last->fired[i]] += m->refractory;
}

synarray_status synarray_label(synarray *s, const uint8_t *image, size_t n, unsigned label)
{
    const synarray *last;
    unsigned i;
    if (!s || !image) return SYNARRAY_NULL;
    if (s->model->fixed_cells) return SYNARRAY_READ_ONLY;
    if (n != s->model->features) return SYNARRAY_IMAGE_SIZE;
    last = last_of(s);
    if (label >= last->model->classes) return SYNARRAY_NO_SUCH_CLASS;
#ifdef SYNARRAY_STACK
    if (last->model->teacher == CONTRAST) return SYNARRAY_TAUGHT;
#endif
    infer(s, image, last->model->label_windows, PHASE_LABEL);
    for (i = 0; i < (unsigned)last->model->label_windows * last->model->groups; i++) {
        uint16_t *count = last->counts + (size_t)last->fired[i] * last->model->classes + label;
        if (*count < 65535u) (*count)++;
    }
    return SYNARRAY_OK;
}

synarray_status synarray_predict(synarray *s, const uint8_t *image, size_t n, unsigned *label, int64_t *votes)
{
    const synarray_model *m;
    synarray *last;
    int64_t best = 0;
    unsigned c, i, spikes;
    if (!s || !image || !label) return SYNARRAY_NULL;
    if (n != s->model->features) return SYNARRAY_IMAGE_SIZE;
    last = last_of(s);
    m = last->model;
    spikes = (unsigned)m->test_windows * m->groups;
#ifdef SYNARRAY_STACK
    if (m->teacher == CONTRAST) {
        weigh_classes(s, last, image);
        spikes = 0;
    } else
#endif
        infer(s, image, m->test_windows, PHASE_TEST);
    for (c = 0; c < m->classes; c++) {
        int64_t vote = 0;
#ifdef SYNARRAY_STACK
        if (last->votes) vote = last->votes[c];
#endif
        for (i = 0; i < spikes; i++) {
            const uint16_t *count = last->read_counts + (size_t)last->fired[i] * m->classes;
            vote += log2_of(((uint64_t)count[c] << 16) + m->smoothing);
        }
        if (c == 0 || vote > best) {
            best = vote;
            *label = c;
        }
        if (votes) votes[c] = vote;
    }
    for (i = 0; votes && i < spikes; i++) { /* the same for every class */
        const uint16_t *count = last->read_counts + (size_t)last->fired[i] * m->classes;
        uint64_t total = (uint64_t)m->smoothing * m->classes;
        int64_t norm;
        for (c = 0; c < m->classes; c++) total += (uint64_t)count[c] << 16;
        norm = log2_of(total);
        for (c = 0; c < m->classes; c++) votes[c] -= norm;
    }
    return SYNARRAY_OK;
}

/* ---- save and load: magic, version, model, presentations, bytes, CRC-32; then events, thresholds, ... (little-endian) */

static void put32(uint8_t *p, uint32_t x)
{
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
    p[2] = (uint8_t)(x >> 16);
    p[3] = (uint8_t)(x >> 24);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t checksum(const uint8_t *p, size_t n) /* of the header without its last word, and the payload */
{
    uint32_t crc = 0xFFFFFFFFu;
    size_t i;
    for (i = 0; i < n; i++)
        if (i < HEADER - 4u || i >= HEADER) crc = crc32(crc, p[i]);
    return ~crc;
}

static size_t blob_bytes(const synarray *s)
{
    const synarray_model *m = s->model;
    size_t n = HEADER + 8u * SYNARRAY_EVENTS + 4u * (size_t)m->neurons + 2u * counts_of(m);
    if (s->spikes) n += 4u * (size_t)m->neurons;
    return n + (s->w ? 4u * (size_t)s->cell_bytes : s->cell_bytes) + s->alive_bytes;
}

static uint32_t bits_of(float w)
{
    union { float w; uint32_t bits; } view;
    view.w = w;
    return view.bits;
}

static float float_of(uint32_t bits)
{
    union { float w; uint32_t bits; } view;
    view.bits = bits;
    return view.w;
}

static void put_state(const synarray *s, uint8_t *blob)
{
    const size_t total = blob_bytes(s);
    uint8_t *p = blob + HEADER;
    size_t i;
    put32(blob, 0x4C4E5953u); /* SYNL */
    put32(blob + 4, SYNARRAY_BLOB_VERSION);
    put32(blob + 8, s->model->identity);
    put32(blob + 12, s->presentation);
    put32(blob + 16, (uint32_t)(total - HEADER));
    for (i = 0; i < SYNARRAY_EVENTS; i++, p += 8) {
        put32(p, (uint32_t)s->events[i]);
        put32(p + 4, (uint32_t)(s->events[i] >> 32));
    }
    for (i = 0; i < s->model->neurons; i++, p += 4) put32(p, (uint32_t)s->threshold[i]);
    for (i = 0; s->spikes && i < s->model->neurons; i++, p += 4) put32(p, s->spikes[i]);
    for (i = 0; i < counts_of(s->model); i++, p += 2) {
        p[0] = (uint8_t)s->counts[i];
        p[1] = (uint8_t)(s->counts[i] >> 8);
    }
    for (i = 0; i < s->cell_bytes; i++) {
        if (s->w) {
            put32(p, bits_of(s->w[i]));
            p += 4;
        } else *p++ = s->cells[i];
    }
    for (i = 0; i < s->alive_bytes; i++) *p++ = s->alive[i];
    put32(blob + 20, checksum(blob, total));
}

synarray_status synarray_save(const synarray *s, uint8_t *blob, size_t room, size_t *bytes)
{
    const synarray_model *m;
    unsigned layer = 0;
    if (!s || !bytes) return SYNARRAY_NULL;
    if (s->model->fixed_cells) return SYNARRAY_READ_ONLY;
    *bytes = 0;
    for (m = s->model; m; m = ABOVE(m)) *bytes += blob_bytes(s + layer++);
    if (!blob || room < *bytes) return SYNARRAY_BLOB_SIZE;
    for (m = s->model; m; m = ABOVE(m), s++) {
        put_state(s, blob);
        blob += blob_bytes(s);
    }
    return SYNARRAY_OK;
}

static int cells_are_sound(const synarray *s, const uint8_t *p)
{
    const synarray_model *m = s->model;
    size_t i;
    unsigned shift;
    for (i = 0; i < s->cell_bytes; i++)
        if (s->w) {
            const float w = float_of(get32(p + 4 * i));
            if (!(w >= -1.0f && w <= 1.0f)) return 0;
        } else if (m->bits >= 8) {
            if (p[i] >= m->codes) return 0;
        } else
            for (shift = 0; shift < 8u; shift += m->bits)
                if (((unsigned)p[i] >> shift & ((1u << m->bits) - 1u)) >= m->codes) return 0;
    return 1;
}

#ifndef SYNARRAY_NO_FLOAT
static void states_of_floats(synarray *s)
{
    tile t = first_tile(s->model);
    for (; t.group < s->model->groups; next_tile(s->model, &t)) {
        unsigned j, k;
        for (k = 0; k < t.columns; k++)
            for (j = 0; j < t.rows; j++) set_code(s, &t, j, k, float_state(s->w[t.cell + k * t.rows + j]));
    }
}
#endif

/* Whether a saved state is one of this layer; bytes: those that are left, at the end exactly its own. */
static synarray_status check_state(const synarray *s, const uint8_t *blob, size_t bytes)
{
    const synarray_model *m = s->model;
    const uint8_t *p;
    const size_t own = blob_bytes(s);
    size_t i;
    if (bytes < HEADER) return SYNARRAY_BLOB_SIZE;
    if (get32(blob) != 0x4C4E5953u) return SYNARRAY_BLOB_FOREIGN;
    if (get32(blob + 4) != SYNARRAY_BLOB_VERSION) return SYNARRAY_BLOB_VERSION_UNKNOWN;
    if (get32(blob + 8) != m->identity) return SYNARRAY_BLOB_FOREIGN;
    if ((ABOVE(m) ? bytes < own : bytes != own) || get32(blob + 16) != own - HEADER) return SYNARRAY_BLOB_SIZE;
    if (get32(blob + 20) != checksum(blob, own)) return SYNARRAY_BLOB_CHECKSUM;
    for (i = 0, p = blob + HEADER + 8u * SYNARRAY_EVENTS; i < m->neurons; i++, p += 4)
        if (get32(p) + (uint32_t)FAR > 2u * (uint32_t)FAR) return SYNARRAY_BLOB_VALUE;
    p += (s->spikes ? 4u * (size_t)m->neurons : 0) + 2u * counts_of(m);
    return cells_are_sound(s, p) ? SYNARRAY_OK : SYNARRAY_BLOB_VALUE;
}

static void take_state(synarray *s, const uint8_t *blob)
{
    const size_t neurons = s->model->neurons;
    const uint8_t *p = blob + HEADER;
    size_t i;
    s->presentation = get32(blob + 12);
    for (i = 0; i < SYNARRAY_EVENTS; i++, p += 8) s->events[i] = (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32;
    for (i = 0; i < neurons; i++, p += 4) { /* between -2^29 and 2^29 */
        const uint32_t bits = get32(p);
        s->threshold[i] = bits >> 31 ? -(int32_t)(~bits + 1u) : (int32_t)bits;
    }
    for (i = 0; s->spikes && i < neurons; i++, p += 4) s->spikes[i] = get32(p);
    for (i = 0; i < counts_of(s->model); i++, p += 2) s->counts[i] = (uint16_t)(p[0] | (unsigned)p[1] << 8);
    for (i = 0; i < s->cell_bytes; i++) {
#ifndef SYNARRAY_NO_FLOAT
        if (s->w) {
            s->w[i] = float_of(get32(p));
            p += 4;
            continue;
        }
#endif
        s->cells[i] = *p++;
    }
    for (i = 0; i < s->alive_bytes; i++) s->alive[i] = *p++;
#ifndef SYNARRAY_NO_FLOAT
    if (s->w) states_of_floats(s);
#endif
    find_moment(s);
}

synarray_status synarray_load(synarray *s, const uint8_t *blob, size_t bytes)
{
    const synarray_model *m;
    size_t at = 0;
    unsigned layer = 0;
    if (!s || !blob) return SYNARRAY_NULL;
    if (s->model->fixed_cells) return SYNARRAY_READ_ONLY;
    for (m = s->model; m; m = ABOVE(m), layer++) {
        const synarray_status status = check_state(s + layer, blob + at, bytes - at);
        if (status != SYNARRAY_OK) return status;
        at += blob_bytes(s + layer);
    }
    for (m = s->model; m; m = ABOVE(m), s++) {
        take_state(s, blob);
        blob += blob_bytes(s);
    }
    return SYNARRAY_OK;
}

synarray_status synarray_events(const synarray *s, uint64_t events[SYNARRAY_EVENTS])
{
    const synarray_model *m;
    int i;
    if (!s || !events) return SYNARRAY_NULL;
    for (i = 0; i < SYNARRAY_EVENTS; i++) events[i] = 0;
    for (m = s->model; m; m = ABOVE(m), s++)
        for (i = 0; i < SYNARRAY_EVENTS; i++) events[i] += s->events[i];
    return SYNARRAY_OK;
}
