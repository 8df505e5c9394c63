// What the items of a looped step gave, put together from the run's receipts.
#include <map>
#include <utility>

#include "operator/artifacts/compose.h"
#include "operator/base/json.h"
#include "operator/controllers/run_facts.h"
#include "operator/plan/run/status_entries.h"
#include "operator/plan/values/indexes.h"

namespace penstock::controllers {
namespace {

using ItemReceipts = std::map<std::size_t, Receipt>;

// The receipt of the last attempt of every item of the step; others are none of the answer.
Result<ItemReceipts> ReadReceipts(const artifacts::Store& store, const std::string& ns,
                                  const std::string& run_uid, const std::string& step) {
  const auto pods = store.Receipts(ns, run_uid);
  if (!pods) return pods.error();
  ItemReceipts last;
  for (const std::string& pod : *pods) {
    auto receipt = store.GetReceipt(ns, run_uid, pod);
    const bool none = !receipt && (receipt.error().kind == ErrorKind::kNotFound ||
                                   receipt.error().kind == ErrorKind::kInvalid);
    if (!receipt && !none) return receipt.error();
    if (none || receipt->pod != pod || receipt->step != step) continue;
    if (!receipt->item_index || *receipt->item_index < 0) continue;
    const auto item = static_cast<std::size_t>(*receipt->item_index);
    const auto known = last.find(item);
    if (known == last.end() || known->second.attempt < receipt->attempt)
      last.insert_or_assign(item, std::move(*receipt));
  }
  return last;
}

// The same at every look: names that meet, and what the store has lost or holds damaged.
bool IsFinal(ErrorKind kind) {
  return kind == ErrorKind::kInvalid || kind == ErrorKind::kDamaged || kind == ErrorKind::kNotFound;
}

class Gathering {
 public:
  Gathering(const artifacts::Store& store, const std::string& ns, const plan::ResolvedStep& step,
            std::size_t total)
      : store_(store), ns_(ns), step_(step), total_(total) {}

  Result<plan::GatherAnswer> Put(const ItemReceipts& receipts) {
    for (const api::OutputSpec& output : step_.outputs) {
      auto folder = Folder(output.name, receipts);
      if (!folder) return Wrap("output '" + output.name + "'", folder.error());
      answer_.outputs.push_back({output.name, "file", *folder});
    }
    for (const api::ResultSpec& result : step_.results)
      if (auto done = List(result.name, receipts); !done) return done.error();
    return std::move(answer_);
  }

 private:
  // An entry an item, named by its index, and beside them a file that names them in order.
  Result<ArtifactRef> Folder(const std::string& output, const ItemReceipts& receipts) {
    std::vector<artifacts::FolderEntry> entries;
    Json names = Json::array();
    for (std::size_t i = 0; i < total_; ++i) {
      const OutputRecord* made = nullptr;
      if (const auto receipt = receipts.find(i); receipt != receipts.end())
        for (const OutputRecord& o : receipt->second.outputs)
          if (o.name == output) made = &o;
      names.push_back(made == nullptr ? Json() : Json(plan::EntryName(i)));
      if (made != nullptr) entries.push_back({plan::EntryName(i), made->artifact});
    }
    auto index = artifacts::PutBytes(store_, ns_, CanonicalJson(Json{{"items", names}}) + "\n");
    if (!index) return index;
    entries.push_back({plan::kEntriesFile, *index});
    return artifacts::ComposeFolder(store_, ns_, entries);
  }

  // A list that fits into the status stands there; all of them are files.
  Result<void> List(const std::string& result, const ItemReceipts& receipts) {
    Json list = Json::array();
    for (std::size_t i = 0; i < total_; ++i) {
      const auto receipt = receipts.find(i);
      list.push_back(receipt == receipts.end() ? Json()
                                               : receipt->second.results.value(result, Json()));
    }
    const std::string text = CanonicalJson(list);
    if (step_.Output(result) == nullptr) {
      auto file = artifacts::PutBytes(store_, ns_, text + "\n");
      if (!file) return file.error();
      answer_.outputs.push_back({result, "file", *file});
    }
    bytes_ += text.size();
    if (bytes_ <= kMaxResultsBytes)
      answer_.results[result] = std::move(list);
    else
      bytes_ -= text.size();
    return {};
  }

  const artifacts::Store& store_;
  const std::string& ns_;
  const plan::ResolvedStep& step_;
  const std::size_t total_;
  std::size_t bytes_ = 0;
  plan::GatherAnswer answer_;
};

}  // namespace

Result<bool> RunFacts::FetchGather(const plan::GatherRequest& request) {
  const plan::ResolvedStep& step = *request.resolved->Find(request.step);
  auto receipts = ReadReceipts(context_.store, run_.ns, run_uid_, request.step);
  if (!receipts) return receipts.error();
  ItemReceipts made;
  std::vector<std::size_t> missing;
  const auto total = static_cast<std::size_t>(request.total);
  for (const std::size_t i : plan::ParseIndexes(request.succeeded, total)) {
    const auto found = receipts->find(i);
    auto judged = found == receipts->end() ? plan::Judgement{}
                                           : plan::JudgeReceipt(std::move(found->second), step);
    if (judged.verdict == plan::Verdict::kSucceeded)
      made.emplace(i, std::move(judged.receipt));
    else
      missing.push_back(i);
  }
  plan::GatherAnswer answer;
  if (missing.empty()) {
    auto put = Gathering(context_.store, run_.ns, step, total).Put(made);
    if (!put && !IsFinal(put.error().kind)) return put.error();
    if (put)
      answer = std::move(*put);
    else
      answer.failed = put.error().message;
    if (!put && put.error().kind != ErrorKind::kInvalid)
      answer.failed += "; start the run again, and what is not there any more is made anew";
  }
  answer.succeeded = request.succeeded;
  answer.missing = std::move(missing);
  const std::lock_guard lock(mutex_);
  if (!answer.missing.empty()) kept_.clear();  // what the store has lost is written again
  gathered_[request.step] = std::make_shared<const plan::GatherAnswer>(std::move(answer));
  return true;
}

// What was kept before comes into what is gathered after it.
void RunFacts::AskGathers(const plan::FactRequests& requests) {
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& step : requests.taken_up) {
      const auto answer = gathered_.find(step);
      if (answer == gathered_.end()) continue;
      auto seen = std::make_shared<plan::GatherAnswer>(*answer->second);
      seen->taken_up = true;
      answer->second = std::move(seen);
    }
    for (const std::string& key : requests.settled_keys)
      if (!following_.contains(key)) cache_.erase(key);
    for (const std::string& pod : requests.settled_pods) {
      receipts_.erase(pod);
      pod_gone_.erase(pod);
    }
    if (keeping_ > 0) return;  // its end wakes the run
  }
  for (const plan::GatherRequest& request : requests.gathers)
    Fetch(in_store_, kGather + request.step, [this, request] { return FetchGather(request); });
}

void RunFacts::Keep(const Receipt& receipt) {
  {
    const std::lock_guard lock(mutex_);
    // Every plan says so until a status was written that does.
    if (!kept_.insert(receipt.pod).second) return;
    ++keeping_;
  }
  in_store_([self = shared_from_this(), receipt] {
    // Also when it throws: what is gathered waits for its end.
    struct End {
      RunFacts& facts;
      const std::string& pod;
      bool kept = false;
      ~End() {
        bool last = false;
        {
          const std::lock_guard lock(facts.mutex_);
          if (!kept) facts.kept_.erase(pod);
          last = --facts.keeping_ == 0;
        }
        if (last) facts.wake_(kept ? Milliseconds{0} : facts.context_.settings.retry_fact_after);
      }
    } end{*self, receipt.pod};
    auto put = self->context_.store.PutReceipt(self->run_.ns, receipt);
    end.kept = put.has_value();
    // One that could not be written is missed when the step is gathered, whose trouble it is.
    if (!put)
      self->NoteTrouble(kGather + receipt.step,
                        Wrap("what item " + receipt.pod + " gave", put.error()));
  });
}

}  // namespace penstock::controllers
