#include "include/CRE2.h"

#include <new>
#include <re2/re2.h>

struct sluice_pattern {
    re2::RE2 program;
};

sluice_pattern *sluice_pattern_create(const char *bytes, size_t byte_count, int64_t memory_max) {
    try {
        re2::RE2::Options options;
        options.set_log_errors(false);
        options.set_never_capture(true);
        options.set_max_mem(memory_max);
        return new sluice_pattern{re2::RE2(re2::StringPiece(bytes, byte_count), options)};
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void sluice_pattern_destroy(sluice_pattern *pattern) { delete pattern; }

const char *sluice_pattern_fault(const sluice_pattern *pattern) {
    return pattern->program.ok() ? nullptr : pattern->program.error().c_str();
}

int32_t sluice_pattern_size(const sluice_pattern *pattern) { return pattern->program.ProgramSize(); }

bool sluice_pattern_matches(const sluice_pattern *pattern, const char *bytes, size_t byte_count) {
    re2::StringPiece text(bytes, byte_count);
    return pattern->program.Match(text, 0, byte_count, re2::RE2::ANCHOR_BOTH, nullptr, 0);
}
