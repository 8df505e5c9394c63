#include "operator/plan/locks/held_locks.h"

#include <algorithm>

#include "operator/base/json.h"

namespace penstock::plan {

std::string LockUser(const std::string& run_uid, const std::string& step, std::optional<int> item) {
  return run_uid + "/" + step + "/" + (item ? std::to_string(*item) : "");
}

std::string EncodeHeldLocks(const std::vector<HeldLock>& locks) {
  Json out = Json::array();
  for (const HeldLock& lock : locks) out.push_back({{"name", lock.name}, {"by", lock.by}});
  return out.dump();
}

std::vector<HeldLock> DecodeHeldLocks(const std::string& text) {
  std::vector<HeldLock> locks;
  const auto list = ParseJson(text.empty() ? "[]" : text, "the locks of a pod");
  if (!list || !list->is_array()) return locks;
  const auto word = [](const Json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  for (const Json& one : *list)
    if (one.is_object()) locks.push_back({word(one, "name"), word(one, "by")});
  std::erase_if(locks, [](const HeldLock& l) { return l.name.empty() || l.by.empty(); });
  return locks;
}

}  // namespace penstock::plan
