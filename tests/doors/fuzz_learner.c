/* Random and damaged states and images to an exported learner, built with AddressSanitizer and UBSan: fuzz_learner ROUNDS.
 * Half of the damaged states get a right checksum again. Every call must return a status; memory has exactly the size asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synarray_model.h"

static uint32_t seed = 2463534242u;

static uint32_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static uint32_t crc(const uint8_t *p, size_t n)
{
    uint32_t c = 0xFFFFFFFFu;
    size_t i;
    int k;
    for (i = 0; i < n; i++) {
        if (i >= 20 && i < 24) continue;
        c ^= p[i];
        for (k = 0; k < 8; k++) c = (c >> 1) ^ (0xEDB88320u & (0u - (c & 1u)));
    }
    return ~c;
}

static int fuzz(long rounds)
{
    long round, taken = 0, refused = 0;
    unsigned label, i;
    size_t bytes = 0, at, own;
    static uint8_t *memory, *image, *blob; /* kept reachable: a failure returns its own number */
    uint8_t *bad;
    int64_t votes[SYNARRAY_CLASSES];
    synarray s[SYNARRAY_LAYERS];
    image = malloc(SYNARRAY_FEATURES);
    blob = malloc(SYNARRAY_BLOB_BYTES);
    if (posix_memalign((void **)&memory, 8, SYNARRAY_RAM_BYTES)) return 1;
    if (synarray_init(s, memory, SYNARRAY_RAM_BYTES - 1u, &synarray_model_data, NULL) != SYNARRAY_SMALL_MEMORY) return 1;
    if (synarray_init(s, memory, SYNARRAY_RAM_BYTES, &synarray_model_data, NULL)) return 1;
    for (round = 0; round < rounds; round++) {
        const size_t size = round % 7 == 0 ? next() % (SYNARRAY_BLOB_BYTES + 64u) : SYNARRAY_BLOB_BYTES;
        const unsigned damage = next() % 40u;
        uint8_t before[64], after[64];
        synarray_status status;
        for (i = 0; i < SYNARRAY_FEATURES; i++) image[i] = (uint8_t)(round % 5 ? next() : round % 2 ? 255 : 0);
#if SYNARRAY_TEACHER
        if (synarray_teach(s, image, SYNARRAY_FEATURES, next() % SYNARRAY_CLASSES, NULL)) return 2;
        if (synarray_teach(s, image, SYNARRAY_FEATURES, SYNARRAY_CLASSES, NULL) != SYNARRAY_NO_SUCH_CLASS) return 11;
#else
        if (synarray_learn(s, image, SYNARRAY_FEATURES, NULL)) return 2;
#endif
        if (synarray_learn(s, image, next() % SYNARRAY_FEATURES, NULL) != SYNARRAY_IMAGE_SIZE) return 3;
        if (synarray_label(s, image, SYNARRAY_FEATURES, next() % SYNARRAY_CLASSES) != (SYNARRAY_TEACHER == 2 ? SYNARRAY_TAUGHT : SYNARRAY_OK)) return 4;
        if (synarray_label(s, image, SYNARRAY_FEATURES, SYNARRAY_CLASSES + next() % 1000u) != SYNARRAY_NO_SUCH_CLASS) return 5;
        if (synarray_predict(s, image, SYNARRAY_FEATURES, &label, votes) || label >= SYNARRAY_CLASSES) return 6;
        if (synarray_save(s, blob, SYNARRAY_BLOB_BYTES - 1u, &bytes) != SYNARRAY_BLOB_SIZE) return 7;
        if (synarray_save(s, blob, SYNARRAY_BLOB_BYTES, &bytes) || bytes != SYNARRAY_BLOB_BYTES) return 8;
        bad = malloc(size + 1u); /* its own allocation: one byte too far is seen */
        for (i = 0; i < size; i++) bad[i] = i < SYNARRAY_BLOB_BYTES ? blob[i] : (uint8_t)next();
        for (i = 0; i < damage && size; i++) bad[next() % (round % 3 ? 400u < size ? 400u : size : size)] ^= (uint8_t)next();
        for (at = 0; round % 2 && at + 24 <= size && at < SYNARRAY_BLOB_BYTES; at += own) { /* layer by layer */
            uint32_t sum;
            own = 24u + ((size_t)blob[at + 16] | (size_t)blob[at + 17] << 8 | (size_t)blob[at + 18] << 16);
            memcpy(bad + at, blob + at, 12);
            memcpy(bad + at + 16, blob + at + 16, 4);
            sum = crc(bad + at, own < size - at ? own : size - at);
            for (i = 0; i < 4; i++) bad[at + 20 + i] = (uint8_t)(sum >> (8 * i));
        }
        memcpy(before, memory, sizeof before);
        status = synarray_load(s, bad, size);
        memcpy(after, memory, sizeof after);
        if (status && memcmp(before, after, sizeof before)) return 9;
        if (status) refused++;
        else taken++;
        free(bad);
        if (round % 50 == 0 && synarray_load(s, blob, SYNARRAY_BLOB_BYTES)) return 10;
    }
    printf("taken %ld refused %ld\n", taken, refused);
    free(memory);
    free(image);
    free(blob);
    return 0;
}

int main(int n, char **arguments)
{
    const int failed = fuzz(n > 1 ? atol(arguments[1]) : 1000);
    if (failed) fprintf(stderr, "check %d of fuzz() failed\n", failed);
    return failed;
}
