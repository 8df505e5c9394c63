// The values of one input of a predict request, gathered row by row from simdjson's DOM. Internal
// to predict_decode.cc.
#pragma once

#include <simdjson.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "components/serve/engine/model_names.h"
#include "components/serve/protocol/json_read.h"

namespace penstock::serve {

class ValueCollector {
 public:
  // All must outlive the collector and what it gives; `texts` keeps what was decoded. `rounded`: of
  // whole numbers that were no doubles before the body was read, sorted (long_integers.h).
  ValueCollector(const InputSpec* spec, std::deque<std::string>* texts,
                 const std::vector<double>* rounded)
      : spec_(spec), texts_(texts), rounded_(rounded) {}

  // A value or nested lists of one shape; every row's must be the same.
  [[nodiscard]] Complaint Add(simdjson::dom::element value);
  // `rows` comes before the shape of each row; without, the shape is what the lists said.
  [[nodiscard]] InputTensor Finish(std::optional<std::int64_t> rows);

 private:
  Complaint Walk(simdjson::dom::element value, std::size_t depth);
  Complaint Leaf(simdjson::dom::element value);
  Complaint Number(simdjson::dom::element value);
  Complaint Integer(simdjson::dom::element value);
  Complaint Truth(simdjson::dom::element value);
  Complaint Text(simdjson::dom::element value);
  [[nodiscard]] std::string Element(const std::string& what) const;

  const InputSpec* spec_;
  std::deque<std::string>* texts_;
  const std::vector<double>* rounded_;
  Shape shape_;                            // of one Add
  std::optional<std::size_t> leaf_depth_;  // how deep the values lie
  std::size_t count_ = 0;
  std::vector<double> numbers_;
  std::vector<std::int64_t> integers_;  // of integer inputs, and of columns of text
  std::vector<std::uint8_t> truths_;
  std::vector<std::string_view> views_;
  std::vector<std::uint8_t> nulls_;
  bool saw_text_ = false;
  bool saw_integer_ = false;  // where text is expected: a timestamp may come as an integer
};

}  // namespace penstock::serve
