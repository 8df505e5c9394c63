// Facts about a run that take a disk or a network to learn: asked for once, fetched on a pool,
// kept as long as the run lives. When an answer comes in, the run is put into the queue again.
//
// Thread-safe. Answers of a run that was forgotten meanwhile go nowhere.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/controllers/context.h"

namespace penstock::controllers {

struct CodeAnswer {
  std::optional<ArtifactRef> code;
  std::string error;  // of code that cannot be used, or of a repository that does not answer
};

class RunFacts : public std::enable_shared_from_this<RunFacts> {
 public:
  // `wake` puts the run into the queue, after the given time; it may be called from any thread.
  RunFacts(const Context& context, ObjectKey run, std::string run_uid,
           std::function<void(Milliseconds)> wake);

  void CopyTo(plan::RunObserved& observed) const;

  // Starts what has not been asked yet, and looks again at pods of other runs that are followed.
  void Ask(const plan::FactRequests& requests);

  // When to look again at pods of other runs that are followed; nothing when none is.
  [[nodiscard]] std::optional<Milliseconds> NextLook() const;

  // True when the receipts of this run that the store holds have been read: needed once, by a
  // controller that meets a run which another one began. False: they are being read.
  [[nodiscard]] bool HaveReceipts(const api::PipelineRunStatus& status);

  // The answer for a step's own program, or nullopt: it has been asked for now.
  [[nodiscard]] std::optional<CodeAnswer> Code(const api::CodeSpec& code);
  // Forgets answers about programs that were errors, so that they are asked for again.
  void ForgetCodeErrors();

  // A refused creation stands until the pod is there; tries are spaced, 1 s doubling to 30 s.
  void RefuseCreate(const std::string& pod, const Error& why);
  void NoteCreated(const std::string& pod);
  // How long to wait before this pod may be tried; zero = now.
  [[nodiscard]] Milliseconds WaitBeforeCreate(const std::string& pod) const;

  // The entry was wrong: it is dropped, and asked for again.
  void DropCache(const std::string& key);

  // The live object of a pod: into the table, or gone.
  void AskForPod(const std::string& pod);

 private:
  struct Refusal {
    Error why;
    int times = 0;
    SteadyTime next_try;
  };

  // Runs `fetch` on a pool unless it is under way; `fetch` gives true when it has an answer.
  void Fetch(const Submit& pool, const std::string& id, std::function<bool()> fetch);
  [[nodiscard]] bool FetchCache(const std::string& key);
  [[nodiscard]] bool FetchReceipt(const std::string& pod);
  [[nodiscard]] bool FetchReceipts(const std::set<std::string>& known_pods);
  [[nodiscard]] bool FetchPod(const std::string& pod);
  [[nodiscard]] bool FetchFingerprint(const std::string& uri);
  [[nodiscard]] bool FetchCode(const std::string& id, const api::CodeSpec& code);
  [[nodiscard]] Result<std::optional<Receipt>> LookUp(const std::string& key) const;
  [[nodiscard]] std::string Follow(const std::string& key);
  [[nodiscard]] std::vector<std::string> DueFollowings() const;

  const Context& context_;
  const ObjectKey run_;
  const std::string run_uid_;
  const std::function<void(Milliseconds)> wake_;

  mutable std::mutex mutex_;
  std::set<std::string> under_way_;
  bool have_receipts_ = false;
  std::map<std::string, bool> pod_gone_;
  std::map<std::string, plan::CacheAnswer> cache_;
  struct Following {
    SteadyTime since;
    SteadyTime look_at;  // not before
  };
  std::map<std::string, Following> following_;  // by cache key
  std::map<std::string, plan::ReceiptAnswer> receipts_;
  std::map<std::string, plan::FingerprintAnswer> fingerprints_;
  std::map<std::string, CodeAnswer> code_;
  std::map<std::string, Refusal> refusals_;
};

}  // namespace penstock::controllers
