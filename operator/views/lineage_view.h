// From what is served down to the files that it was made of, and up again.
#pragma once

#include <string>

#include "operator/views/place.h"

namespace penstock::views {

struct LineageAsk {
  std::string ns;
  // One of them: "sha256:<hex>", or the name of a ModelDeployment, of a Model, of a version of one
  // (NAME:NUMBER, NAME:ALIAS).
  std::string artifact, model;
  // Or the id of a request in a prediction log: of the ModelDeployment `model`, of any where that
  // is empty. `clock` bounds the search.
  std::string request;
  const Clock* clock = nullptr;
  bool up = true, down = false;
  int depth = 50;
};

// {"nodes": [{id, kind, label, run?, step?, digest?, uri?, type?, bytes?}], "edges": [[from, to]],
// "cut"}: kinds file (outside, with the fingerprint or digest that was read), artifact, step, model
// (a registered version), deployment (a served version). Edges go from what is used to what uses
// it; request (what a version answered) is used by nothing. What was asked for stands first. What
// else its steps gave is no part of it: up is what leads there, down what it leads to. kNotFound
// names what there is not.
[[nodiscard]] Result<Json> LineageView(const Place& place, const LineageAsk& ask,
                                       const std::stop_token& stop);

// The same for people: what was asked for and, indented, what it was made of; then, likewise, what
// was made of it. And for Graphviz.
[[nodiscard]] std::string LineageText(const Json& lineage);
[[nodiscard]] std::string LineageDot(const Json& lineage);

}  // namespace penstock::views
