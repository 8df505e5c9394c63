// A change of a manifest for whoever keeps it in Git: a version of a registered model in the place
// of the model that a ModelDeployment names now. Prints; writes no file and no object.
#pragma once

#include <string>

#include "operator/cli/objects/session.h"

namespace penstock::cli {

struct SuggestOptions {
  std::string model;  // NAME:ALIAS or NAME:NUMBER
  std::string file;   // the manifest, as the patch is to name it
  std::string name;   // of the ModelDeployment, where the file holds several
};

// The text of a pull request, then the patch, which `git apply` takes with the text before it.
int SuggestModel(const SuggestOptions& options, Session& session);

// The patch that puts `after` in the place of `before` on a line (from 1) of `text`; Invalid where
// that line does not hold `before` once.
[[nodiscard]] Result<std::string> PatchOfLine(const std::string& file, const std::string& text,
                                              int line, const std::string& before,
                                              const std::string& after);

}  // namespace penstock::cli
