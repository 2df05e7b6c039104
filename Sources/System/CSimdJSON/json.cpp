#include "include/CSimdJSON.h"

#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>

using namespace simdjson;

static_assert(SLUICE_JSON_PADDING >= SIMDJSON_PADDING, "less padding than the library reads");

struct sluice_json_parser {
    dom::parser parser;
    size_t capacity = 0;
    size_t depth_max = 0;
    /// For each step the document in which it was last seen, by number.
    std::unique_ptr<uint32_t[]> seen;
    size_t step_count = 0;
    uint32_t document = 0;
};

namespace {

struct Walk {
    const sluice_path_step *steps;
    const uint8_t *names;
    sluice_json_value *values;
    const uint8_t *texts;
    uint32_t *seen;
    uint32_t document;
    uint32_t step;
};

void take(sluice_json_value &value, const dom::element &element, const uint8_t *texts) {
    switch (element.type()) {
    case dom::element_type::NULL_VALUE: value.kind = SLUICE_JSON_NULL; return;
    case dom::element_type::BOOL:
        value.kind = element.get_bool().value_unsafe() ? SLUICE_JSON_TRUE : SLUICE_JSON_FALSE;
        return;
    case dom::element_type::INT64:
        value.kind = SLUICE_JSON_INT64;
        value.bits = static_cast<uint64_t>(element.get_int64().value_unsafe());
        return;
    case dom::element_type::UINT64:
        value.kind = SLUICE_JSON_UINT64;
        value.bits = element.get_uint64().value_unsafe();
        return;
    case dom::element_type::DOUBLE: {
        double number = element.get_double().value_unsafe();
        value.kind = SLUICE_JSON_DOUBLE;
        std::memcpy(&value.bits, &number, sizeof number);
        return;
    }
    case dom::element_type::STRING: {
        std::string_view text = element.get_string().value_unsafe();
        value.kind = SLUICE_JSON_TEXT;
        value.byte_count = static_cast<uint32_t>(text.size());
        value.bits = static_cast<uint64_t>(reinterpret_cast<const uint8_t *>(text.data()) - texts);
        return;
    }
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT: value.kind = SLUICE_JSON_NESTED; return;
    }
}

sluice_json_outcome visit(Walk &walk, uint32_t index, const dom::element &element);

/// The child of `step` with this name, looked for from behind the last one that was found; -1 when there is none.
inline int64_t find(const Walk &walk, const sluice_path_step &step, std::string_view name, uint32_t &next) {
    for (uint32_t count = 0; count < step.child_count; count++) {
        uint32_t place = next + count < step.child_count ? next + count : next + count - step.child_count;
        const sluice_path_step &child = walk.steps[step.first_child + place];
        if (child.name_byte_count == name.size()
            && std::memcmp(walk.names + child.name_start, name.data(), name.size()) == 0) {
            next = place + 1 < step.child_count ? place + 1 : 0;
            return step.first_child + place;
        }
    }
    return -1;
}

/// Recursion goes as deep as the paths of the tree, not as the document.
sluice_json_outcome visit(Walk &walk, uint32_t index, const dom::element &element) {
    const sluice_path_step &step = walk.steps[index];
    if (step.field >= 0) {
        take(walk.values[step.field], element, walk.texts);
        return SLUICE_JSON_OK;
    }
    dom::object object;
    if (element.get_object().get(object) == SUCCESS) {
        uint32_t next = 0;
        for (dom::key_value_pair member : object) {
            int64_t child = find(walk, step, member.key, next);
            if (child < 0) continue;
            if (walk.seen[child] == walk.document) {
                walk.step = static_cast<uint32_t>(child);
                return SLUICE_JSON_DUPLICATE;
            }
            walk.seen[child] = walk.document;
            sluice_json_outcome outcome = visit(walk, static_cast<uint32_t>(child), member.value);
            if (outcome != SLUICE_JSON_OK) return outcome;
        }
        return SLUICE_JSON_OK;
    }
    dom::array array;
    if (element.get_array().get(array) == SUCCESS) {
        int64_t place = 0;
        uint32_t found = 0;
        for (dom::element value : array) {
            for (uint32_t count = 0; count < step.child_count; count++) {
                if (walk.steps[step.first_child + count].index != place) continue;
                sluice_json_outcome outcome = visit(walk, step.first_child + count, value);
                if (outcome != SLUICE_JSON_OK) return outcome;
                found++;
            }
            if (found == step.child_count) break;
            place++;
        }
        return SLUICE_JSON_OK;
    }
    if (element.is_null() || step.child_count == 0) return SLUICE_JSON_OK;
    walk.step = index;
    return SLUICE_JSON_MISPLACED;
}

}  // namespace

sluice_json_parser *sluice_json_create(size_t byte_count, size_t depth_max, size_t step_count) {
    std::unique_ptr<sluice_json_parser> made(new (std::nothrow) sluice_json_parser);
    if (!made) return nullptr;
    if (made->parser.allocate(byte_count, depth_max) != SUCCESS) return nullptr;
    made->capacity = byte_count;
    made->depth_max = depth_max;
    made->seen.reset(new (std::nothrow) uint32_t[step_count]());
    if (!made->seen) return nullptr;
    made->step_count = step_count;
    return made.release();
}

void sluice_json_destroy(sluice_json_parser *parser) { delete parser; }

sluice_json_outcome sluice_json_read(
    sluice_json_parser *parser, const uint8_t *bytes, size_t byte_count, const sluice_path_step *steps,
    size_t step_count, const uint8_t *names, sluice_json_value *values, size_t field_count, uint32_t *step) {
    if (byte_count > parser->capacity || step_count > parser->step_count) return SLUICE_JSON_BROKEN;
    std::memset(values, 0, field_count * sizeof *values);
    dom::element root;
    if (parser->parser.parse(bytes, byte_count, false).get(root) != SUCCESS) return SLUICE_JSON_BROKEN;
    if (step_count == 0) return SLUICE_JSON_OK;
    if (++parser->document == 0) {
        std::memset(parser->seen.get(), 0, parser->step_count * sizeof(uint32_t));
        parser->document = 1;
    }
    Walk walk{
        steps, names, values, sluice_json_texts(parser), parser->seen.get(), parser->document, 0,
    };
    sluice_json_outcome outcome = visit(walk, 0, root);
    *step = walk.step;
    return outcome;
}

const uint8_t *sluice_json_texts(const sluice_json_parser *parser) { return parser->parser.doc.string_buf.get(); }
