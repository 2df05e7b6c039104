#include "include/CPayloadBound.h"

#include <simdjson.h>

using namespace simdjson;

long bound_json(const void *bytes, size_t byte_count, int count) {
    static const std::string_view names[] = {"temperature", "humidity", "battery", "state", "ts"};
    dom::parser parser;
    if (parser.allocate(4096, 65) != SUCCESS) return -1;
    long found = 0;
    for (int round = 0; round < count; round++) {
        dom::object object;
        if (parser.parse(static_cast<const uint8_t *>(bytes), byte_count, false).get_object().get(object)) return -1;
        size_t next = 0;
        for (dom::key_value_pair member : object) {
            if (next == 5 || member.key != names[next]) continue;
            found++;
            next++;
        }
    }
    return found;
}
