#include "operator/plan/locks/lock_words.h"

#include <algorithm>
#include <charconv>

#include "operator/api/gate.h"
#include "operator/base/shown_text.h"

namespace penstock::plan {
namespace {

constexpr int kMostHolders = 10'000;

std::vector<std::string> InOrder(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

LockSize LockSizeOf(const std::string& lock, const std::map<std::string, std::string>& sizes) {
  const auto found = sizes.find(lock);
  if (found == sizes.end()) return {};
  std::string text = found->second;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  LockSize size;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), size.size);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  if (whole && size.size >= 0 && size.size <= kMostHolders) return size;
  return {0, "the ConfigMap " + std::string(api::kLockSizes) + " says '" + Shown(text, 80) +
                 "' for it, which is no whole number from 0 to " + std::to_string(kMostHolders)};
}

std::vector<const LockUse*> LockOrder::Serve(const std::vector<LockUse>& uses) {
  std::vector<const LockUse*> asking;
  for (const LockUse& use : uses) {
    if (!use.held)
      asking.push_back(&use);
    else
      for (const std::string& name : use.names) ++taken_[name];
  }
  std::stable_sort(asking.begin(), asking.end(), [](const LockUse* a, const LockUse* b) {
    return a->turn != b->turn ? a->turn < b->turn : a->by < b->by;
  });
  std::erase_if(asking, [this](const LockUse* use) { return !Take(*use); });
  return asking;
}

bool LockOrder::ServeLast(const LockUse& use) { return Take(use); }

bool LockOrder::Take(const LockUse& use) {
  // Nobody knows how long one is closed: who waits for it holds back nobody at another.
  for (const std::string& name : use.names)
    if (const LockSize size = LockSizeOf(name, sizes_); !size.wrong.empty() || size.size == 0)
      return false;
  for (const std::string& name : InOrder(use.names)) {
    int& taken = taken_[name];
    if (taken >= LockSizeOf(name, sizes_).size) return false;
    ++taken;
  }
  return true;
}

}  // namespace penstock::plan
