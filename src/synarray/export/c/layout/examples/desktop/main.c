/* Learns from a file, labels with it, reads another one:  desktop TRAIN [TEST] [EPOCHS]
 * A record of a file is one byte, the number of the class, and the SYNARRAY_FEATURES bytes of the image. */
#include <stdio.h>
#include <stdlib.h>

#include "synarray_model.h"

static uint64_t memory[(SYNARRAY_RAM_BYTES + 7) / 8];
static uint8_t record[1 + SYNARRAY_FEATURES];
static synarray learner[SYNARRAY_LAYERS];

static void check(synarray_status status)
{
    if (status != SYNARRAY_OK) {
        fprintf(stderr, "status %d\n", (int)status);
        exit(2);
    }
}

static FILE *opened(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    return file;
}

int main(int n, char **arguments)
{
    const int epochs = n > 3 ? atoi(arguments[3]) : 1;
    unsigned long images = 0, right = 0;
    uint64_t events[SYNARRAY_EVENTS];
    FILE *file;
    int epoch;
    if (n < 2) {
        fprintf(stderr, "usage: %s TRAIN [TEST] [EPOCHS]\n", arguments[0]);
        return 2;
    }
    check(synarray_init(learner, memory, sizeof memory, &synarray_model_data, NULL));
#ifdef SYNARRAY_TRAINED_BYTES
    check(synarray_load(learner, synarray_trained, SYNARRAY_TRAINED_BYTES));
#endif
    for (epoch = 0; epoch <= epochs && SYNARRAY_BLOB_BYTES > 0; epoch++) { /* the last time, labels are counted */
        file = opened(arguments[1]);
        while (fread(record, sizeof record, 1, file) == 1) {
#if SYNARRAY_TEACHER
            if (epoch < epochs) check(synarray_teach(learner, record + 1, SYNARRAY_FEATURES, record[0], NULL));
#else
            if (epoch < epochs) check(synarray_learn(learner, record + 1, SYNARRAY_FEATURES, NULL));
#endif
            else if (SYNARRAY_TEACHER < 2) check(synarray_label(learner, record + 1, SYNARRAY_FEATURES, record[0]));
        }
        fclose(file);
    }
    check(synarray_events(learner, events));
    printf("presentations %llu, pulses %llu\n", (unsigned long long)events[SYNARRAY_PRESENTATION],
           (unsigned long long)(events[SYNARRAY_LTP_PULSE] + events[SYNARRAY_LTD_PULSE] + events[SYNARRAY_PRUNING_PULSE]));
    if (n < 3) return 0;
    file = opened(arguments[2]);
    while (fread(record, sizeof record, 1, file) == 1) {
        unsigned label = 0;
        check(synarray_predict(learner, record + 1, SYNARRAY_FEATURES, &label, NULL));
        images++;
        right += label == record[0];
    }
    fclose(file);
    printf("%lu of %lu right\n", right, images);
    return 0;
}
