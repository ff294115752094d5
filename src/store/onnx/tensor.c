/* tensor.c: checks the tensors of an ONNX file and decodes their numbers. */
#include "store/onnx/tensor.h"

#include "base/checked.h"
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct kind {
    int type;
    const char *name;
    size_t size; /* bytes of an element in raw_data */
    bool floats;
} kind;

static const kind kinds[] = {
    {PB_FLOAT, "float", 4, true},       {PB_UINT8, "uint8", 1, false},
    {PB_INT8, "int8", 1, false},        {PB_UINT16, "uint16", 2, false},
    {PB_INT16, "int16", 2, false},      {PB_INT32, "int32", 4, false},
    {PB_INT64, "int64", 8, false},      {PB_BOOL, "bool", 1, false},
    {PB_FLOAT16, "float16", 2, true},   {PB_DOUBLE, "double", 8, true},
    {PB_UINT32, "uint32", 4, false},    {PB_UINT64, "uint64", 8, false},
    {PB_BFLOAT16, "bfloat16", 2, true},
};

static const kind *kind_of(int type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == type) return &kinds[i];
    return NULL;
}

static weft_status dims(const pb_tensor *p, const char *name, weft__onnx_tensor *t)
{
    if (p->n_dims > WEFT_MAX_RANK)
        return weft__fail(WEFT_EMODEL, "tensor %s: rank %zu, at most %d are supported",
                          name, p->n_dims, WEFT_MAX_RANK);
    for (size_t i = 0; i < p->n_dims; i++)
        if (p->dims[i] < 0)
            return weft__fail(WEFT_EMODEL, "tensor %s: dimension %zu is %lld", name, i,
                              (long long)p->dims[i]);
    bool overflow = !weft__count64(p->dims, (int)p->n_dims, &t->count);
    for (size_t i = 0; i < p->n_dims; i++) {
        if (p->dims[i] > INT_MAX || overflow)
            return weft__fail(WEFT_ENOMEM, "tensor %s: too many elements", name);
        t->shape.dim[i] = (int)p->dims[i];
    }
    t->shape.rank = (int)p->n_dims;
    return WEFT_OK;
}

/* The list that holds the numbers of a tensor of this type without raw_data. */
static size_t typed_count(const pb_tensor *p, int type)
{
    switch (type) {
    case PB_FLOAT:
        return p->n_float_data;
    case PB_DOUBLE:
        return p->n_double_data;
    case PB_INT64:
        return p->n_int64_data;
    case PB_UINT32:
    case PB_UINT64:
        return p->n_uint64_data;
    default:
        return p->n_int32_data;
    }
}

static size_t all_typed(const pb_tensor *p)
{
    return p->n_float_data + p->n_double_data + p->n_int64_data + p->n_uint64_data +
           p->n_int32_data + p->n_string_data;
}

static weft_status strict_number(const char *name, const char *key, const char *text,
                                 int64_t *out)
{
    char *end;
    errno = 0;
    long long value = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;
    if (value < 0 || errno || *end)
        return weft__fail(WEFT_EMODEL, "tensor %s: external %s \"%s\" is not a number",
                          name, key, text);
    *out = value;
    return WEFT_OK;
}

static weft_status external(weft__onnx_source *src, const pb_tensor *p, const char *name,
                            size_t expected, weft__onnx_tensor *t)
{
    const char *location = NULL;
    int64_t offset = 0, length = -1;
    size_t bytes;
    weft_status s = WEFT_OK;
    for (size_t i = 0; i < p->n_external_data && !s; i++) {
        const char *key = p->external_data[i]->key, *value = p->external_data[i]->value;
        if (!key || !value) continue;
        if (!strcmp(key, "location")) location = value;
        if (!strcmp(key, "offset")) s = strict_number(name, key, value, &offset);
        if (!strcmp(key, "length")) s = strict_number(name, key, value, &length);
    }
    if (s) return s;
    if (p->has_raw_data || all_typed(p))
        return weft__fail(WEFT_EMODEL, "tensor %s: data both here and in another file",
                          name);
    if (!src->folder)
        return weft__fail(WEFT_EMODEL,
                          "tensor %s: its data are in another file, which is "
                          "not allowed here",
                          name);
    if (!location || (length >= 0 && (size_t)length != expected))
        return weft__fail(WEFT_EMODEL,
                          "tensor %s: external data without a location, or of "
                          "another size than its shape says (%zu bytes)",
                          name, expected);
    if (expected > INT64_MAX)
        return weft__fail(WEFT_ENOMEM, "tensor %s: too large", name);
    s = weft__onnx_external(src, location, offset, (int64_t)expected, &t->data, &bytes);
    return s ? weft__prefix(s, "tensor %s", name) : WEFT_OK;
}

static weft_status where(weft__onnx_source *src, const pb_tensor *p, const char *name,
                         const kind *k, weft__onnx_tensor *t)
{
    size_t bytes, typed = typed_count(p, k->type), all = all_typed(p);
    if (!weft__mul(t->count, k->size, &bytes))
        return weft__fail(WEFT_ENOMEM, "tensor %s: too many elements", name);
    if (bytes > src->limit || src->used > src->limit - bytes)
        return weft__fail(WEFT_ENOMEM,
                          "tensor %s: needs %zu bytes, the limit of %zu for all "
                          "tensors leaves %zu",
                          name, bytes, src->limit,
                          src->used < src->limit ? src->limit - src->used : 0);
    src->used += bytes;
    if (p->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return external(src, p, name, bytes, t);
    if (p->n_external_data)
        return weft__fail(WEFT_EMODEL,
                          "tensor %s: names another file, but says that its "
                          "data are here",
                          name);
    if (p->has_raw_data && all)
        return weft__fail(WEFT_EMODEL, "tensor %s: has raw_data and typed data both",
                          name);
    if (p->has_raw_data) {
        if (p->raw_data.len != bytes)
            return weft__fail(WEFT_EMODEL,
                              "tensor %s: has %zu bytes of data, its shape and "
                              "type (%s) need %zu",
                              name, p->raw_data.len, k->name, bytes);
        t->data = p->raw_data.data;
        return WEFT_OK;
    }
    if (typed != t->count || all != typed)
        return weft__fail(WEFT_EMODEL,
                          "tensor %s: has %zu numbers of data, its shape and "
                          "type (%s) need %zu",
                          name, all, k->name, t->count);
    t->typed = p;
    return WEFT_OK;
}

weft_status weft__onnx_tensor_read(weft__onnx_source *src, const pb_tensor *p,
                                   const char *name, weft__onnx_tensor *out)
{
    weft__onnx_tensor t = {.given = true, .type = p->data_type};
    const kind *k = kind_of(p->data_type);
    if (!k)
        return weft__fail(WEFT_EMODEL, "tensor %s: data type %d is not supported", name,
                          p->data_type);
    if (p->segment)
        return weft__fail(WEFT_EMODEL, "tensor %s: segments are not supported", name);
    t.floats = k->floats;
    t.size = k->size;
    weft_status s = dims(p, name, &t);
    if (!s) s = where(src, p, name, k, &t);
    if (s) return s;
    src->converted += k->floats && k->type != PB_FLOAT;
    *out = t;
    return WEFT_OK;
}

/* ---- decoding ---- */

static uint64_t little(const unsigned char *p, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static double double_of(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* IEEE half: sign, 5 bits of exponent, 10 of mantissa. */
static float half(uint32_t h)
{
    uint32_t sign = (h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 31) return float_of(sign | 0x7f800000 | mantissa << 13);
    if (exponent) return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
    float small = (float)mantissa / 16777216.0f;
    return sign ? -small : small;
}

static float real_of(int type, uint64_t bits)
{
    switch (type) {
    case PB_DOUBLE:
        return (float)double_of(bits);
    case PB_FLOAT16:
        return half((uint32_t)bits & 0xffff);
    case PB_BFLOAT16:
        return float_of((uint32_t)bits << 16);
    default:
        return float_of((uint32_t)bits);
    }
}

void weft__onnx_tensor_floats(const weft__onnx_tensor *t, int batch, float *out)
{
    const unsigned char *p = t->data;
    if (t->folded[batch]) {
        for (size_t i = 0; i < t->count; i++) out[i] = (float)t->folded[batch][i].d;
    } else if (p) {
        for (size_t i = 0; i < t->count; i++)
            out[i] = real_of(t->type, little(p + i * t->size, t->size));
    } else {
        for (size_t i = 0; i < t->count; i++)
            out[i] = t->type == PB_FLOAT ? t->typed->float_data[i]
                     : t->type == PB_DOUBLE
                         ? (float)t->typed->double_data[i]
                         : real_of(t->type, (uint32_t)t->typed->int32_data[i]);
    }
}

static int64_t int_of(int type, uint64_t bits)
{
    switch (type) {
    case PB_INT8:
        return (int8_t)bits;
    case PB_INT16:
        return (int16_t)bits;
    case PB_INT32:
        return (int32_t)bits;
    case PB_UINT8:
        return (uint8_t)bits;
    case PB_UINT16:
        return (uint16_t)bits;
    case PB_UINT32:
        return (uint32_t)bits;
    case PB_BOOL:
        return (bits & 0xff) != 0;
    case PB_UINT64:
        return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
    default:
        return (int64_t)bits;
    }
}

void weft__onnx_tensor_ints(const weft__onnx_tensor *t, int batch, int64_t *out)
{
    const unsigned char *p = t->data;
    for (size_t i = 0; i < t->count; i++) {
        if (t->folded[batch]) {
            out[i] = t->folded[batch][i].i;
            continue;
        }
        uint64_t bits = p                     ? little(p + i * t->size, t->size)
                        : t->type == PB_INT64 ? (uint64_t)t->typed->int64_data[i]
                        : t->type == PB_UINT64 || t->type == PB_UINT32
                            ? t->typed->uint64_data[i]
                            : (uint64_t)t->typed->int32_data[i];
        out[i] = int_of(t->type, bits);
    }
}

bool weft__onnx_tensor_steady(const weft__onnx_tensor *t)
{
    return !t->folded[0] || t->folded[0] == t->folded[1] ||
           !memcmp(t->folded[0], t->folded[1], t->count * sizeof *t->folded[0]);
}
