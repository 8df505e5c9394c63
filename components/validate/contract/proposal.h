// A schema for people to review: inferred from the data, or the given one widened as far as this
// data needs. Pure.
//
// Inferred, of a column: its type and role; nullable where a value is missing; the domain of a text
// with at most 100 different values of which each stands twice on average; disallowed are NaN and
// infinities that are not there; the lengths of lists. Widened: a domain gets the values that are
// not in it, a range its new ends, nullable and presence what is there, a pattern that does not
// hold goes, columns come and go. Thresholds of drift are kept: a distance is no reason to allow
// it. A column with personal data gets no domain.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "components/sdk/schema.h"
#include "components/statistics/summary/statistics.h"
#include "components/validate/findings/anomaly.h"

namespace penstock::validate {

struct ProposalInput {
  const sdk::Schema* given = nullptr;  // null: infer
  const sdk::Schema* seen = nullptr;   // of the dataset: types and roles
  const statistics::Statistics* data = nullptr;
  const std::vector<Anomaly>* anomalies = nullptr;  // of the given schema
  std::string environment = {};
  std::set<std::string> personal = {};  // columns
};

[[nodiscard]] sdk::Schema Propose(const ProposalInput& input);

}  // namespace penstock::validate
