/* synarray_learner: a spiking network that learns without labels in cells of memory devices. C99, freestanding.
 *
 * No heap, no libc, no libm; one example in, bounded work, nothing kept of it. The law is that of synarray
 * (network/reference.py): the same random numbers (Philox) at the same places, the same integers, the same cells.
 *
 *     static uint64_t memory[(SYNARRAY_RAM_BYTES + 7) / 8];
 *     synarray s;
 *     synarray_init(&s, memory, sizeof memory, &synarray_model_data, NULL);
 *     for each image:          synarray_learn(&s, image, SYNARRAY_FEATURES, NULL);
 *     for some labelled ones:  synarray_label(&s, image, SYNARRAY_FEATURES, class);
 *     then:                    synarray_predict(&s, image, SYNARRAY_FEATURES, &class, NULL);
 */
#ifndef SYNARRAY_LEARNER_H
#define SYNARRAY_LEARNER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SYNARRAY_BLOB_VERSION 1u
#define SYNARRAY_EVENTS 23

/* What every function returns. */
typedef enum {
    SYNARRAY_OK = 0,
    SYNARRAY_NULL = 1,          /* a pointer that must be there is not */
    SYNARRAY_SMALL_MEMORY = 2,  /* the memory is smaller than SYNARRAY_RAM_BYTES, or not aligned to 8 bytes */
    SYNARRAY_IMAGE_SIZE = 3,    /* the image has another number of features than the model */
    SYNARRAY_NO_SUCH_CLASS = 4, /* the class is not below the model's number of classes */
    SYNARRAY_READ_ONLY = 5,     /* the model was exported to predict only */
    SYNARRAY_NO_SUPPORT = 6,    /* the model needs float cells, and this build has none (SYNARRAY_NO_FLOAT) */
    SYNARRAY_BLOB_SIZE = 7,     /* too short, too long, or no room to write it */
    SYNARRAY_BLOB_FOREIGN = 8,  /* not a saved state, or one of another model */
    SYNARRAY_BLOB_VERSION_UNKNOWN = 9,
    SYNARRAY_BLOB_CHECKSUM = 10,
    SYNARRAY_BLOB_VALUE = 11,   /* the checksum is right, but a value is none that learning reaches */
    SYNARRAY_NEEDS_CLASS = 12,  /* the layer that learns now is taught: call synarray_teach() */
    SYNARRAY_TAUGHT = 13        /* the neurons were taught their classes: there is nothing to label */
} synarray_status;

/* What is counted while learning; the first nineteen as in synarray.events.NeuronEvent, summed over the neurons. */
enum {
    SYNARRAY_OUTPUT_SPIKE, SYNARRAY_CELL_READ, SYNARRAY_LTP_PULSE, SYNARRAY_LTD_PULSE, SYNARRAY_PULSE_AT_BOUND,
    SYNARRAY_PULSE_SKIPPED, SYNARRAY_PRUNING_PULSE, SYNARRAY_CELL_PRUNED, SYNARRAY_VERIFY_READ, SYNARRAY_PULSE_FAILED,
    SYNARRAY_PAIR_REFRESH, SYNARRAY_INITIAL_PULSE, SYNARRAY_MASK_LOOKUP, SYNARRAY_LTP_LEVEL, SYNARRAY_LTD_LEVEL,
    SYNARRAY_PRUNING_LEVEL, SYNARRAY_INITIAL_LEVEL, SYNARRAY_CELL_READ_LEVEL, SYNARRAY_VERIFY_LEVEL,
    SYNARRAY_PRESENTATION, SYNARRAY_INPUT_SPIKE, SYNARRAY_ROW_READ, SYNARRAY_COLUMN_SENSE
};

/* A real array in place of the cells in RAM. Rows and columns are counted within a group (a tile).
 * read:  drive the listed rows; put the sum of each column's cells into sums, -127 (g_min) to 127 (g_max) per cell.
 * pulse: one programming pulse on one cell; polarity +1 raises its conductance (LTP), -1 lowers it (LTD). */
typedef struct {
    void *context;
    void (*read)(void *context, unsigned group, const uint16_t *rows, unsigned n_rows, int32_t *sums);
    void (*pulse)(void *context, unsigned group, unsigned column, unsigned row, int polarity);
} synarray_port;

typedef struct {
    uint16_t moment, index;  /* which entry of the pulse table at which moment */
    uint32_t pulses;         /* what it is */
} synarray_correction;

/* The constants of one exported network; written by `synarray export c`. Codes are what a cell stores. */
typedef struct synarray_model synarray_model;
struct synarray_model {
    uint32_t identity, seed;
    uint32_t total;                  /* presentations of the whole schedule; the tables of its end serve afterwards */
    uint16_t features, inputs, neurons, groups, classes;
    uint16_t windows, label_windows, test_windows;
    uint16_t table_room;             /* entries of the softmax table at its longest */
    uint16_t codes;                  /* states that a cell's code tells apart */
    uint8_t bits;                    /* 2, 4, 8: packed integers; 32: float32 beside 8 bits; 0: behind a port */
    uint8_t device;                  /* 0 ideal weights, 1 cells of a device, 2 words of binary cells */
    uint8_t looks;                   /* cells read per weight before an update */
    uint8_t masked;                  /* cells are pruned while learning */
    const uint16_t *input_feature;   /* [input] */
    const uint16_t *row_input;       /* [row] input that drives it, group after group */
    const uint16_t *group_rows;      /* [group] */
    const uint16_t *group_columns;   /* [group] */
    const uint16_t *intensity;       /* [256] chance of a spike in a window, / 2^16 */
    uint64_t gain_total;             /* 2^40 times the mean total intensity; 0: no gain control */
    const uint8_t *state;            /* [codes] what a read resolves, 0..254; NULL: the code itself */
    const uint64_t *lanes;           /* [256] states of the cells of one byte, in lanes of 16 bits; 2 and 4 bits only */
    const uint8_t *next;             /* [2 codes] code after one LTD, one LTP pulse */
    uint16_t starts;
    const uint32_t *start_word;      /* [starts] least random word at which a cell begins at ... */
    const uint8_t *start_code;       /* [starts] ... this code (the first word is 0) */
    const float *start_w;            /* [starts] ... this weight (bits 32; NULL: from w_start and w_spread) */
    const float *step;               /* [512] signed step by state, LTD then LTP (bits 32) */
    double w_start, w_spread;        /* where weights begin (bits 32) */
    const uint32_t *chance;          /* [2 codes] probability that a pulse works, / 2^16; NULL: 1 */
    const uint64_t *pulse_free;      /* [2 codes] mean pulses per update, 48 fractional bits, before gain and bound */
    const uint32_t *pulse_most;      /* [2 codes] their bound, 16 fractional bits */
    uint16_t moments, corrections;
    const uint64_t *moment_q;        /* [moment] exp(-beta / 127) / 2^-64 */
    const uint64_t *moment_gain;     /* [moment] / 2^-62; NULL: 1 */
    const uint32_t *moment_step;     /* [moment] homeostasis */
    const uint16_t *moment_images;   /* [moment] */
    const synarray_correction *correction;
    uint64_t final_q;
    int32_t refractory;
    uint32_t smoothing;              /* 16 fractional bits */
    uint16_t stages;                 /* of pruning */
    const uint32_t *stage_spikes;    /* [stage] */
    const uint16_t *stage_cells;     /* [stage, group] cells pruned from then on */
    uint32_t maturity;
    const uint8_t *goal;             /* [codes] a pruned cell is: 0 where it is to be, 1 below, 2 above */
    float constant;                  /* its weight (bits 32) */
    const uint8_t *fixed_cells;      /* predict only: cells, thresholds, label counts in flash; else NULL */
    const int32_t *fixed_threshold;
    const uint16_t *fixed_counts;
#ifdef SYNARRAY_STACK
    const synarray_model *above;     /* the layer that reads this one's map; NULL: the last one */
    uint16_t channels;               /* channels of a feature, each with 256 chances; 0: a rate */
    uint16_t sites;                  /* places that a tile is read at */
    uint16_t draws;                  /* of them in a window of learning */
    uint16_t at_random;              /* 1: they are drawn at random */
    uint16_t min_active;             /* active inputs below which a place stays silent */
    uint16_t map_channels;           /* of a cell of its map */
    uint16_t calibrates;             /* moment from which a layer that competed calibrates its thresholds */
    uint8_t teacher;                 /* 0: labels name neurons, 1: class groups compete, 2: contrast */
    uint64_t vote_scale;             /* log2 of a class per read unit of potential, / 2^-32 (contrast) */
    const uint16_t *site_shift;      /* [site] what is added to an input of row_input at this place */
    const uint16_t *site_cell;       /* [group, site] cell of the map that it belongs to */
#endif
};

/* A learner: pointers into the caller's memory. Read its fields if you like; write none. Several layers are an array of them,
 * synarray s[SYNARRAY_LAYERS], from the bottom; the functions take the first one. */
typedef struct {
    const synarray_model *model;
    const synarray_port *port;
    int32_t *threshold;
    uint32_t *spikes, *pulses, *x;
    int32_t *u;
    float *w;
    uint16_t *counts, *table, *rows, *fired;
    uint8_t *cells, *alive;
    const uint8_t *read_cells;
    const uint16_t *read_counts;
#ifdef SYNARRAY_STACK
    int64_t *votes;
#endif
    uint32_t presentation, moment, left, table_size, cell_bytes, alive_bytes;
    uint32_t least[2]; /* no random number below it sends a pulse: LTD, LTP */
    uint64_t table_q;
    uint64_t events[SYNARRAY_EVENTS];
} synarray;

/* Lay the learner out in memory of at least SYNARRAY_RAM_BYTES, aligned to 8 bytes, and bring the cells to their start. */
synarray_status synarray_init(synarray *s, void *memory, size_t bytes, const synarray_model *model,
                              const synarray_port *port);
/* Learn from one image of 8-bit intensities. winners: room for windows x groups neurons, or NULL. */
synarray_status synarray_learn(synarray *s, const uint8_t *image, size_t n, uint16_t *winners);
#ifdef SYNARRAY_STACK
/* Learn from an image whose class is known. Layers learn from the bottom, each for its own number of images: this is
 * synarray_learn() while one learns that is not taught. 0xFFFF in winners: a silent place. */
synarray_status synarray_teach(synarray *s, const uint8_t *image, size_t n, unsigned label, uint16_t *winners);
#endif
/* Count which neurons fire for an image of this class; no cell moves. */
synarray_status synarray_label(synarray *s, const uint8_t *image, size_t n, unsigned label);
/* Read the class of an image. votes: room for the classes' log2 probabilities (units of 2^-24), or NULL. */
synarray_status synarray_predict(synarray *s, const uint8_t *image, size_t n, unsigned *label, int64_t *votes);
/* Write the state into room bytes; *bytes becomes its size (also where the room is too small, or blob is NULL). */
synarray_status synarray_save(const synarray *s, uint8_t *blob, size_t room, size_t *bytes);
/* Take a saved state up; the learner is unchanged unless all of it is right. */
synarray_status synarray_load(synarray *s, const uint8_t *blob, size_t bytes);
/* Copy the counters. */
synarray_status synarray_events(const synarray *s, uint64_t events[SYNARRAY_EVENTS]);

#ifdef __cplusplus
}
#endif
#endif
