#include "operator/artifacts/gc/collector.h"

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::artifacts {
namespace {

constexpr std::uint64_t kMostMark = 4 * 1024;

std::string MarkOf(const std::string& ns, const std::string& id) {
  return ns + "/collectors/" + id;
}

// What a mark says, as far as it can be read: it stands for somebody in any case.
std::string WhoIs(const Store& store, const std::string& ns, const std::string& id) {
  const auto text = store.objects().Get(MarkOf(ns, id), kMostMark);
  const Json read = text ? Json::parse(*text, nullptr, false) : Json();
  const Json mark = read.is_object() ? read : Json::object();
  const auto word = [&](const char* key) {
    const auto it = mark.find(key);
    return it != mark.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  const std::string name = word("name"), since = word("since");
  return plan::Shown(name.empty() ? id : name, 200) +
         (since.empty() ? "" : " (since " + plan::Shown(since, 40) + ")");
}

Result<std::vector<std::string>> Others(const Store& store, const std::string& ns,
                                        const std::string& own, bool& marked) {
  PENSTOCK_ASSIGN(std::vector<std::string> ids, store.objects().Names(ns + "/collectors"));
  marked = std::erase(ids, own) > 0;
  return ids;
}

Error Refusal(const Store& store, const std::string& ns, const std::vector<std::string>& others) {
  std::string who;
  for (const std::string& id : others) who += (who.empty() ? "" : ", ") + WhoIs(store, ns, id);
  return Invalid("its artifacts are collected by " + who +
                 " too: nothing is removed, as what that one needs is not known here. Give each a "
                 "store or prefix of its own; where that one is gone, `penstock store gc "
                 "--take-over` makes them this one's");
}

}  // namespace

Result<void> CheckCollector(const Store& store, const std::string& ns, const Collector& own,
                            bool take_over, bool dry_run, TimePoint now) {
  bool marked = false;
  PENSTOCK_ASSIGN(std::vector<std::string> others, Others(store, ns, own.id, marked));
  if (take_over && !dry_run) {
    for (const std::string& id : others) PENSTOCK_TRY(store.objects().Remove(MarkOf(ns, id)));
    others.clear();
  }
  if (!others.empty() && !take_over) return Refusal(store, ns, others);
  if (marked || dry_run) return {};
  PENSTOCK_TRY(store.objects().Put(MarkOf(ns, own.id),
                                   Json{{"name", own.name}, {"since", FormatTime(now)}}.dump()));
  PENSTOCK_ASSIGN(others, Others(store, ns, own.id, marked));
  if (!others.empty()) return Refusal(store, ns, others);
  return {};
}

}  // namespace penstock::artifacts
