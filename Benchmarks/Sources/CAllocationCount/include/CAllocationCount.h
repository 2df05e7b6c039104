// Counts the heap allocations of the process by standing in for malloc and its relatives.
#pragma once
#include <stdint.h>

/// Allocations since the process began.
uint64_t allocation_count(void);
