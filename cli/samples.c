/* samples.c: a set of labelled samples, pictures or texts. */
#include "samples.h"

int samples_count(samples s, weft_split split)
{
    return s.t ? weft_texts_count(s.t, split) : weft_data_count(s.d, split);
}

int samples_classes(samples s)
{
    return s.t ? weft_texts_classes(s.t) : weft_data_classes(s.d);
}

const char *samples_class(samples s, int c)
{
    return s.t ? weft_texts_class_name(s.t, c) : weft_data_class_name(s.d, c);
}

int samples_label(samples s, weft_split split, int i)
{
    return s.t ? weft_texts_label(s.t, split, i) : weft_data_label(s.d, split, i);
}

void samples_name(samples s, weft_split split, int i, char *text, size_t size)
{
    if (s.t)
        weft_texts_sample_name(s.t, split, i, text, size);
    else
        weft_data_sample_name(s.d, split, i, text, size);
}

const char *samples_format(samples s)
{
    return s.t ? weft_texts_format(s.t) : weft_data_format(s.d);
}

const char *samples_word(samples s)
{
    return s.t ? "texts" : "pictures";
}

weft_split samples_shown(samples s)
{
    return samples_count(s, WEFT_TEST)  ? WEFT_TEST
           : samples_count(s, WEFT_VAL) ? WEFT_VAL
                                        : WEFT_TRAIN;
}
