// libcbor's streaming decoder, which builds no tree and allocates nothing: its callbacks fill in one item.
#include <cbor.h>

typedef enum {
    SLUICE_CBOR_UINT,
    /// The value is -1 - `bits`.
    SLUICE_CBOR_NEGINT,
    SLUICE_CBOR_DOUBLE,
    SLUICE_CBOR_BYTES,
    SLUICE_CBOR_TEXT,
    /// Pieces follow, up to a break.
    SLUICE_CBOR_BYTES_START,
    SLUICE_CBOR_TEXT_START,
    /// `bits` items follow.
    SLUICE_CBOR_ARRAY,
    SLUICE_CBOR_ARRAY_START,
    /// `bits` pairs of items follow.
    SLUICE_CBOR_MAP,
    SLUICE_CBOR_MAP_START,
    SLUICE_CBOR_TAG,
    SLUICE_CBOR_FALSE,
    SLUICE_CBOR_TRUE,
    SLUICE_CBOR_NULL,
    SLUICE_CBOR_BREAK,
} sluice_cbor_kind;

typedef struct {
    uint32_t kind;
    /// The bytes of a text or a string of bytes; they end where the item ends.
    size_t byte_count;
    uint64_t bits;
    double number;
} sluice_cbor_item;

#define SLUICE_CBOR_SET(NAME, TYPE, KIND) \
    static inline void sluice_cbor_##NAME(void *context, TYPE value) { \
        sluice_cbor_item *item = (sluice_cbor_item *)context; \
        item->kind = KIND; \
        item->bits = value; \
    }
#define SLUICE_CBOR_FLOAT(NAME, TYPE) \
    static inline void sluice_cbor_##NAME(void *context, TYPE value) { \
        sluice_cbor_item *item = (sluice_cbor_item *)context; \
        item->kind = SLUICE_CBOR_DOUBLE; \
        item->number = value; \
    }
#define SLUICE_CBOR_STRING(NAME, KIND) \
    static inline void sluice_cbor_##NAME(void *context, cbor_data bytes, size_t byte_count) { \
        (void)bytes; \
        sluice_cbor_item *item = (sluice_cbor_item *)context; \
        item->kind = KIND; \
        item->byte_count = byte_count; \
    }
#define SLUICE_CBOR_MARK(NAME, KIND) \
    static inline void sluice_cbor_##NAME(void *context) { ((sluice_cbor_item *)context)->kind = KIND; }

SLUICE_CBOR_SET(uint8, uint8_t, SLUICE_CBOR_UINT)
SLUICE_CBOR_SET(uint16, uint16_t, SLUICE_CBOR_UINT)
SLUICE_CBOR_SET(uint32, uint32_t, SLUICE_CBOR_UINT)
SLUICE_CBOR_SET(uint64, uint64_t, SLUICE_CBOR_UINT)
SLUICE_CBOR_SET(negint8, uint8_t, SLUICE_CBOR_NEGINT)
SLUICE_CBOR_SET(negint16, uint16_t, SLUICE_CBOR_NEGINT)
SLUICE_CBOR_SET(negint32, uint32_t, SLUICE_CBOR_NEGINT)
SLUICE_CBOR_SET(negint64, uint64_t, SLUICE_CBOR_NEGINT)
SLUICE_CBOR_SET(array, size_t, SLUICE_CBOR_ARRAY)
SLUICE_CBOR_SET(map, size_t, SLUICE_CBOR_MAP)
SLUICE_CBOR_SET(tag, uint64_t, SLUICE_CBOR_TAG)
SLUICE_CBOR_FLOAT(float, float)
SLUICE_CBOR_FLOAT(double, double)
SLUICE_CBOR_STRING(bytes, SLUICE_CBOR_BYTES)
SLUICE_CBOR_STRING(text, SLUICE_CBOR_TEXT)
SLUICE_CBOR_MARK(bytes_start, SLUICE_CBOR_BYTES_START)
SLUICE_CBOR_MARK(text_start, SLUICE_CBOR_TEXT_START)
SLUICE_CBOR_MARK(array_start, SLUICE_CBOR_ARRAY_START)
SLUICE_CBOR_MARK(map_start, SLUICE_CBOR_MAP_START)
SLUICE_CBOR_MARK(null, SLUICE_CBOR_NULL)
SLUICE_CBOR_MARK(break, SLUICE_CBOR_BREAK)

static inline void sluice_cbor_boolean(void *context, bool value) {
    ((sluice_cbor_item *)context)->kind = value ? SLUICE_CBOR_TRUE : SLUICE_CBOR_FALSE;
}

/// Reads the item at `bytes`: the number of bytes that it takes, 0 when they end before it does, -1 when it is none.
static inline ptrdiff_t sluice_cbor_next(const uint8_t *bytes, size_t byte_count, sluice_cbor_item *item) {
    static const struct cbor_callbacks callbacks = {
        .uint8 = sluice_cbor_uint8,
        .uint16 = sluice_cbor_uint16,
        .uint32 = sluice_cbor_uint32,
        .uint64 = sluice_cbor_uint64,
        .negint64 = sluice_cbor_negint64,
        .negint32 = sluice_cbor_negint32,
        .negint16 = sluice_cbor_negint16,
        .negint8 = sluice_cbor_negint8,
        .byte_string_start = sluice_cbor_bytes_start,
        .byte_string = sluice_cbor_bytes,
        .string = sluice_cbor_text,
        .string_start = sluice_cbor_text_start,
        .indef_array_start = sluice_cbor_array_start,
        .array_start = sluice_cbor_array,
        .indef_map_start = sluice_cbor_map_start,
        .map_start = sluice_cbor_map,
        .tag = sluice_cbor_tag,
        .float2 = sluice_cbor_float,
        .float4 = sluice_cbor_float,
        .float8 = sluice_cbor_double,
        .undefined = sluice_cbor_null,
        .null = sluice_cbor_null,
        .boolean = sluice_cbor_boolean,
        .indef_break = sluice_cbor_break,
    };
    struct cbor_decoder_result result = cbor_stream_decode(bytes, byte_count, &callbacks, item);
    if (result.status == CBOR_DECODER_FINISHED) return (ptrdiff_t)result.read;
    return result.status == CBOR_DECODER_NEDATA ? 0 : -1;
}
