/* Learns from images that come in over the serial line: 'L' and an image to learn, 'C', a class (one byte) and an image to
 * label (or to be taught), 'P' and an image to read its class. Answers with one line each. */
#include <synarray_model.h>

static uint64_t memory[(SYNARRAY_RAM_BYTES + 7) / 8];
static uint8_t image[SYNARRAY_FEATURES];
static synarray learner[SYNARRAY_LAYERS];

static uint8_t next_byte(void) {
  while (Serial.available() == 0) {
  }
  return (uint8_t)Serial.read();
}

void setup(void) {
  Serial.begin(115200);
  Serial.println(synarray_init(learner, memory, sizeof memory, &synarray_model_data, NULL));
}

void loop(void) {
  const uint8_t command = next_byte();
  const unsigned label = command == 'C' ? next_byte() : 0;
  unsigned found = 0;
  if (command != 'L' && command != 'C' && command != 'P') return;
  for (size_t i = 0; i < SYNARRAY_FEATURES; i++) image[i] = next_byte();
  if (command == 'L') Serial.println(synarray_learn(learner, image, SYNARRAY_FEATURES, NULL));
#if SYNARRAY_TEACHER
  if (command == 'C') Serial.println(synarray_teach(learner, image, SYNARRAY_FEATURES, label, NULL));
#else
  if (command == 'C') Serial.println(synarray_label(learner, image, SYNARRAY_FEATURES, label));
#endif
  if (command == 'P' && synarray_predict(learner, image, SYNARRAY_FEATURES, &found, NULL) == SYNARRAY_OK) {
    Serial.println(found);
  }
}
