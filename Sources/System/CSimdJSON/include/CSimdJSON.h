// simdjson's DOM parser behind functions of C: one call parses a document, all of it, and takes out the values that lie
// at the paths of a tree. Nothing here throws; nothing is allocated but when a parser is made.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes behind a document that the parser reads and ignores.
#define SLUICE_JSON_PADDING 64

/// A step of the paths; the first is the document itself. The steps below one follow each other.
typedef struct {
    /// The name in an object: a range of the bytes of all names.
    uint32_t name_start;
    uint32_t name_byte_count;
    /// The place in an array, when the name is a number; else INT64_MIN.
    int64_t index;
    uint32_t first_child;
    uint32_t child_count;
    /// The field whose path ends here, or -1.
    int32_t field;
    /// The first field at or below this step.
    int32_t first_field;
} sluice_path_step;

typedef enum {
    SLUICE_JSON_ABSENT,
    SLUICE_JSON_NULL,
    SLUICE_JSON_FALSE,
    SLUICE_JSON_TRUE,
    SLUICE_JSON_INT64,
    SLUICE_JSON_UINT64,
    SLUICE_JSON_DOUBLE,
    /// `bits` is the place in the parser's texts.
    SLUICE_JSON_TEXT,
    /// An object or an array where a field is to be.
    SLUICE_JSON_NESTED,
} sluice_json_kind;

typedef struct {
    uint32_t kind;
    uint32_t byte_count;
    uint64_t bits;
} sluice_json_value;

typedef enum {
    SLUICE_JSON_OK,
    /// No JSON, or more than the parser takes; what it is in detail is for another to find out.
    SLUICE_JSON_BROKEN,
    /// `step` has come twice in its object.
    SLUICE_JSON_DUPLICATE,
    /// At `step` there is neither an object nor an array, and paths lead through it.
    SLUICE_JSON_MISPLACED,
} sluice_json_outcome;

typedef struct sluice_json_parser sluice_json_parser;

/// A parser for documents up to `byte_count`, nested no deeper than `depth_max`; NULL without memory for it.
sluice_json_parser *sluice_json_create(size_t byte_count, size_t depth_max, size_t step_count);
void sluice_json_destroy(sluice_json_parser *parser);

/// Parses the document, whose padding is readable, and fills `values`, one for each field.
sluice_json_outcome sluice_json_read(
    sluice_json_parser *parser, const uint8_t *bytes, size_t byte_count, const sluice_path_step *steps,
    size_t step_count, const uint8_t *names, sluice_json_value *values, size_t field_count, uint32_t *step);

/// The texts of the document that was read last.
const uint8_t *sluice_json_texts(const sluice_json_parser *parser);

#ifdef __cplusplus
}
#endif
