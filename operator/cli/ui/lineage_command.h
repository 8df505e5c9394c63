// penstock lineage: what an artifact or a model was made of, and what was made of it.
#pragma once

#include <string>

#include "operator/cli/objects/session.h"

namespace penstock::cli {

struct LineageOptions {
  std::string what;  // an artifact's or a model's name, or the id of a request that one answered
  std::string direction = "up";
  int depth = 50;
  std::string output;  // json, dot; empty: text
  std::string gateway, token_file, ca_file;
};
int Lineage(const LineageOptions& options, Session& session);

}  // namespace penstock::cli
