/* image_scan.c: a walk over the wire format of an ONNX file, before it is unpacked. */
#include "store/onnx/scan.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_DEPTH = 32,
    MAX_MESSAGES = 2000000, /* of all kinds */
    MAX_NODES = 200000,
    MAX_TENSORS = 200000,
    MAX_UNKNOWN = 4096, /* fields of newer versions; each is kept by the unpacker */
    MAX_NAME = 4096     /* bytes of a name; documentation and metadata may be longer */
};

typedef struct scan {
    const unsigned char *data;
    size_t messages, nodes, tensors, unknown;
    size_t unpacked; /* bytes, an estimate from above */
} scan;

/* One field on the wire. */
typedef struct field {
    uint32_t id;
    int wire;
    size_t at, begin, end; /* of the tag; of the payload */
} field;

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static weft_status bad(size_t at, const char *what)
{
    return weft__fail(WEFT_EMODEL,
                      "byte %zu: %s; this is not an ONNX file, or a damaged one", at,
                      what);
}

static weft_status varint(const scan *s, size_t *at, size_t end, uint64_t *out)
{
    uint64_t value = 0;
    size_t start = *at;
    for (int shift = 0; shift < 70; shift += 7) {
        if (*at >= end) return bad(start, "a number is cut off");
        unsigned char c = s->data[(*at)++];
        if (shift < 64) value |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            *out = value;
            return WEFT_OK;
        }
    }
    return bad(start, "a number has more than ten bytes");
}

static weft_status next_field(const scan *s, size_t *at, size_t end, field *f)
{
    uint64_t tag, length = 0;
    f->at = *at;
    weft_status status = varint(s, at, end, &tag);
    if (status) return status;
    f->id = (uint32_t)(tag >> 3);
    f->wire = (int)(tag & 7);
    if (tag >> 32 || !f->id) return bad(f->at, "a field has an impossible number");
    f->begin = *at;
    switch (f->wire) {
    case WIRE_VARINT:
        status = varint(s, at, end, &length);
        length = 0;
        break;
    case WIRE_64:
        length = 8;
        break;
    case WIRE_32:
        length = 4;
        break;
    case WIRE_BYTES:
        status = varint(s, at, end, &length);
        f->begin = *at;
        break;
    default:
        return bad(f->at, "a field has an unknown wire type");
    }
    if (status) return status;
    if (length > end - *at)
        return weft__fail(WEFT_EMODEL,
                          "byte %zu: a field of %llu bytes where %zu are left; "
                          "the file is truncated or damaged",
                          f->at, (unsigned long long)length, end - *at);
    *at += (size_t)length;
    f->end = *at;
    return WEFT_OK;
}

static int wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

/* A packed list of numbers: whole elements only. Each takes at most 8 bytes
 * unpacked. */
static weft_status packed(scan *s, const ProtobufCFieldDescriptor *d, const field *f)
{
    int wire = wire_of(d->type);
    size_t bytes = f->end - f->begin, at = f->begin;
    if (wire == WIRE_VARINT) {
        size_t count = 0;
        uint64_t ignored;
        for (; at < f->end; count++) {
            weft_status status = varint(s, &at, f->end, &ignored);
            if (status) return status;
        }
        s->unpacked += count * 8;
        return WEFT_OK;
    }
    s->unpacked += bytes;
    return bytes % (wire == WIRE_64 ? 8 : 4) ? bad(f->at, "a list of numbers is cut off")
                                             : WEFT_OK;
}

static bool is_text_of_any_length(const char *name)
{
    return !strcmp(name, "doc_string") || !strcmp(name, "value") || !strcmp(name, "key");
}

static weft_status text(scan *s, const ProtobufCFieldDescriptor *d, const field *f)
{
    size_t bytes = f->end - f->begin;
    s->unpacked += bytes + 32;
    if (d->type != PROTOBUF_C_TYPE_STRING) return WEFT_OK;
    if (memchr(s->data + f->begin, 0, bytes))
        return bad(f->at, "a text has a NUL byte inside");
    if (bytes > MAX_NAME && !is_text_of_any_length(d->name))
        return weft__fail(WEFT_ENOMEM,
                          "byte %zu: a %s of %zu bytes, at most %d are allowed", f->at,
                          d->name, bytes, MAX_NAME);
    return WEFT_OK;
}

static weft_status limited(size_t *count, size_t most, const char *what)
{
    if (++*count <= most) return WEFT_OK;
    return weft__fail(WEFT_ENOMEM, "more than the %zu %s allowed", most, what);
}

static weft_status count_message(scan *s, const ProtobufCMessageDescriptor *d)
{
    weft_status status = limited(&s->messages, MAX_MESSAGES, "parts");
    s->unpacked += d->sizeof_message + 48;
    if (!status && d == &onnx__node_proto__descriptor)
        status = limited(&s->nodes, MAX_NODES, "nodes");
    if (!status && d == &onnx__tensor_proto__descriptor)
        status = limited(&s->tensors, MAX_TENSORS, "tensors");
    return status;
}

static weft_status message(scan *s, const ProtobufCMessageDescriptor *d, size_t at,
                           size_t end, int depth);

static weft_status known_field(scan *s, const ProtobufCFieldDescriptor *d, const field *f,
                               int depth)
{
    bool repeated = d->label == PROTOBUF_C_LABEL_REPEATED;
    int wire = wire_of(d->type);
    if (repeated) s->unpacked += 16;
    if (repeated && wire != WIRE_BYTES && f->wire == WIRE_BYTES) return packed(s, d, f);
    if (f->wire != wire)
        return weft__fail(WEFT_EMODEL, "byte %zu: field \"%s\" has the wrong wire type",
                          f->at, d->name);
    if (d->type == PROTOBUF_C_TYPE_MESSAGE)
        return message(s, d->descriptor, f->begin, f->end, depth + 1);
    return wire == WIRE_BYTES ? text(s, d, f) : WEFT_OK;
}

static weft_status message(scan *s, const ProtobufCMessageDescriptor *d, size_t at,
                           size_t end, int depth)
{
    uint64_t seen = 0; /* single fields; a second one would be merged into the first */
    if (depth > MAX_DEPTH)
        return weft__fail(WEFT_EMODEL, "byte %zu: nesting deeper than %d levels", at,
                          MAX_DEPTH);
    weft_status status = count_message(s, d);
    while (!status && at < end) {
        field f = {0};
        status = next_field(s, &at, end, &f);
        if (status) break;
        const ProtobufCFieldDescriptor *known =
            protobuf_c_message_descriptor_get_field(d, f.id);
        if (!known) {
            s->unpacked += f.end - f.begin + 64;
            status = limited(&s->unknown, MAX_UNKNOWN, "unknown fields");
            continue;
        }
        uint64_t bit = f.id < 64 ? (uint64_t)1 << f.id : 0;
        if (known->label != PROTOBUF_C_LABEL_REPEATED && (seen & bit))
            status = weft__fail(WEFT_EMODEL, "byte %zu: a second field \"%s\"", f.at,
                                known->name);
        seen |= bit;
        if (!status) status = known_field(s, known, &f, depth);
    }
    return status;
}

weft_status weft__onnx_scan(const void *data, size_t bytes, size_t *unpacked)
{
    scan s = {.data = data};
    if (!bytes) return weft__fail(WEFT_EMODEL, "the file is empty");
    weft_status status = message(&s, &onnx__model_proto__descriptor, 0, bytes, 1);
    if (!status) *unpacked = s.unpacked;
    return status;
}

/* ---- the budget: every piece carries its size in front ---- */

enum { FRONT = 16 };

static void *budget_alloc(void *data, size_t size)
{
    weft__onnx_budget *b = data;
    if (size > b->limit || b->used > b->limit - size) return NULL;
    unsigned char *p = malloc(size + FRONT);
    if (!p) return NULL;
    memcpy(p, &size, sizeof size);
    b->used += size;
    return p + FRONT;
}

static void budget_free(void *data, void *pointer)
{
    weft__onnx_budget *b = data;
    size_t size;
    if (!pointer) return;
    unsigned char *p = (unsigned char *)pointer - FRONT;
    memcpy(&size, p, sizeof size);
    b->used -= size;
    free(p);
}

void weft__onnx_budget_set(weft__onnx_budget *b, size_t limit)
{
    *b = (weft__onnx_budget){.limit = limit};
    b->allocator = (ProtobufCAllocator){budget_alloc, budget_free, b};
}

weft_status weft__onnx_unpack(const void *data, size_t bytes, size_t max_bytes,
                              weft__onnx_budget *b, pb_model **out)
{
    enum { SLACK = 64 << 20 }; /* what the unpacker takes while it counts fields */
    size_t unpacked = 0, limit;
    weft_status s = weft__onnx_scan(data, bytes, &unpacked);
    if (s) return s;
    if (unpacked > max_bytes && unpacked - max_bytes > SLACK)
        return weft__fail(WEFT_ENOMEM, "needs %zu bytes unpacked, the limit is %zu",
                          unpacked, max_bytes);
    if (!weft__add(unpacked, SLACK, &limit)) limit = SIZE_MAX;
    weft__onnx_budget_set(b, limit);
    *out = onnx__model_proto__unpack(&b->allocator, bytes, data);
    if (!*out)
        return weft__fail(WEFT_ENOMEM, "no memory to unpack %zu bytes, or a damaged file",
                          bytes);
    return WEFT_OK;
}
