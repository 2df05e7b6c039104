// RE2 behind functions of C: a pattern is compiled once and asked whether it matches the whole of a text. Nothing here
// throws, and nothing is written to standard error.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_pattern sluice_pattern;

/// A pattern that takes about so many bytes of memory at most, while it matches too; NULL without memory for it. It may
/// be at fault.
sluice_pattern *sluice_pattern_create(const char *bytes, size_t byte_count, int64_t memory_max);
void sluice_pattern_destroy(sluice_pattern *pattern);

/// What is wrong with the pattern; NULL when nothing is.
const char *sluice_pattern_fault(const sluice_pattern *pattern);

/// The instructions of the program that a pattern without fault is.
int32_t sluice_pattern_size(const sluice_pattern *pattern);

/// Whether a pattern without fault matches the whole of a text.
bool sluice_pattern_matches(const sluice_pattern *pattern, const char *bytes, size_t byte_count);

#ifdef __cplusplus
}
#endif
