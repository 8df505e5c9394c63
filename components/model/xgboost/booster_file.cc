#include "components/model/xgboost/booster_file.h"

#include <charconv>
#include <limits>
#include <string_view>

#include "operator/base/json.h"

namespace penstock::model {

Result<int> RoundsThatCount(const XgboostLibrary& library, XgboostHandle booster,
                            const std::string& path) {
  const char* best = nullptr;
  int there = 0;
  if (library.attribute(booster, "best_iteration", &best, &there) != 0)
    return Invalid(path + ": its attributes cannot be read: " + XgboostReason(library));
  if (there == 0) return 0;
  const std::string_view text = best;
  int round = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), round);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || round < 0 ||
      round == std::numeric_limits<int>::max()) {
    return Invalid(path + ": its attribute best_iteration is '" + std::string(text) +
                   "', which is no round");
  }
  return round + 1;
}

Result<void> CheckTrees(const XgboostLibrary& library, XgboostHandle booster,
                        const std::string& path) {
  std::uint64_t size = 0;
  const char* text = nullptr;
  if (library.config(booster, &size, &text) != 0)
    return Invalid(path + " does not tell what it is: " + XgboostReason(library));
  const auto config = ParseJson({text, size}, path);
  if (!config) return config.error();
  const Json::json_pointer kind("/learner/gradient_booster/name");
  if (!config->contains(kind) || config->at(kind) != "gblinear") return {};
  return Invalid(path +
                 " is a gblinear model, which is not run here: train with booster gbtree or dart, "
                 "or bring its weights as a linear layer of the back end safetensors");
}

}  // namespace penstock::model
