// The registry of a namespace from the command line: Models and their versions.
#pragma once

#include <string>

#include "operator/cli/objects/session.h"

namespace penstock::cli {

struct RegistryOptions {
  std::string model;        // "flights", "flights:champion" or "flights:3"
  std::string other;        // of diff: an alias or a number; of alias: the version
  std::string what;         // of push: sha256:..., a URI with its digest, or PIPELINE/OUTPUT
  std::string alias;        // of alias and push
  std::string description;  // of push
  bool remove = false;      // of alias
  std::string output;       // json
};

int ListModels(const RegistryOptions& options, Session& session);
int ShowModel(const RegistryOptions& options, Session& session);
int DiffModels(const RegistryOptions& options, Session& session);
// Under the Model's resourceVersion: of two who move it at once one is told to look again.
int SetAlias(const RegistryOptions& options, Session& session);
// Registers the next version. Of two who push at once each gets a number.
int PushModel(const RegistryOptions& options, Session& session);

}  // namespace penstock::cli
