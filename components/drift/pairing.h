// Which columns two datasets have both, and what is said of the others. Pure.
#pragma once

#include <string>
#include <vector>

#include "components/drift/options.h"
#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::drift {

// A column that is compared.
struct Pair {
  std::string name;
  Kind kind = Kind::kNumber;  // of a text column of many words it is not known yet
  bool may_be_text = false;   // then kCategory may become kText when its values are seen
  bool is_list = false;       // kText of lists: their items are looked at as words are
};

struct Pairing {
  std::vector<Pair> pairs;  // in the reference's order
  struct Said {
    std::string column;
    std::string why;
  };
  std::vector<Said> changed;         // their types cannot be compared: that is a drift of its own
  std::vector<Said> skipped;         // by role, by type, by setting
  std::vector<std::string> missing;  // of current
  std::vector<std::string> added;    // only in current
};

// Whether values of two stored types can be the same: of numbers any two, of lists those whose
// items can. A text that is no type is of a kind with itself.
[[nodiscard]] bool AreOfOneKind(const std::string& type, const std::string& other);

// Invalid: no column is compared and none has another type, so that nothing can be said; names the
// columns and why each is left out.
[[nodiscard]] Error NothingCompared(const Pairing& pairing);

// `roles` of a schema that is given (else the reference's own) decide what is left out: ids,
// groups, weights and ignored columns. The label is compared where both have it. Invalid for a
// column that is named and that the reference does not have, and where nothing is left.
[[nodiscard]] Result<Pairing> PairColumns(const sdk::Schema& reference, const sdk::Schema& current,
                                          const sdk::Schema& roles, const Options& options);

}  // namespace penstock::drift
