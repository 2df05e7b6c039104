#include "CLinux.h"

// `make` writes commit.h when it is another commit than at the last build, so that nothing else is compiled for that. An
// archive that git makes of a commit has its name here instead.
#if __has_include("commit.h")
#include "commit.h"
#endif
#ifndef SLUICE_COMMIT
#define SLUICE_COMMIT "$Format:%h$"
#endif

const char *sluice_commit(void) {
  const char *commit = SLUICE_COMMIT;
  return commit[0] == '$' || commit[0] == '\0' ? "unknown" : commit;
}
