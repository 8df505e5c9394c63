// What a training takes from outside: learners, clock, memory, where progress goes. Tests give
// their own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "components/train/learner.h"
#include "components/train/options.h"
#include "operator/base/json.h"

namespace penstock::train {

struct Surroundings {
  // Those of this program that options.model asks for, the simpler first.
  std::function<std::vector<std::unique_ptr<Learner>>(const TrainOptions&)> learners;
  std::function<double()> seconds;                // that only grows; read for maxTime alone
  std::function<bool()> stop;                     // true: give up; may be empty
  std::uint64_t memory = 0;                       // bytes that this process may use
  std::function<void(const std::string&)> print;  // a line

  // Progress: one JSON object a line, its event first.
  void Say(const char* event, const Json& fields) const {
    std::string line = "{\"event\": " + Json(event).dump();
    for (const auto& [name, value] : fields.items()) {
      line += ", " + Json(name).dump() + ": " +
              value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    print(line + "}");
  }
};

}  // namespace penstock::train
