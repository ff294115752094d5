/* color_jitter.h: random changes of colour, as torchvision's ColorJitter makes them. */
#ifndef WEFT_SRC_DATA_IMAGE_COLOR_JITTER_H
#define WEFT_SRC_DATA_IMAGE_COLOR_JITTER_H

#include "base/rng.h"
#include "weft/dataset.h"

typedef struct weft__color_jitter {
    bool any;
    float
        factor[4]; /* brightness, contrast, saturation; hue in turns; 1, 1, 1, 0: none */
    int order[4];  /* in which they are applied */
} weft__color_jitter;

bool weft__color_jitter_wanted(const weft_augment *how);
weft__color_jitter weft__color_jitter_draw(const weft_augment *how, weft__rng *r);
/* On image[pixels][channels], values 0..1, channels 1 or 3. Saturation and hue leave
 * grey pictures as they are. */
void weft__color_jitter_apply(const weft__color_jitter *j, int channels, size_t pixels,
                              float *image);

#endif
