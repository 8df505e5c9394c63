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
#include "operator/controllers/refusals.h"

namespace penstock::controllers {

struct ImageAnswer {
  std::optional<plan::ImageProgram> program;
  std::string error;  // why it is not known
};

struct CodeAnswer {
  std::optional<ArtifactRef> code;
  std::optional<ArtifactRef> lock;  // of its packages, where it names a file of it
  std::string error;                // of code that cannot be used
};

struct FormerAnswer {
  std::shared_ptr<const plan::FormerRun> former;
  std::string error;      // why there is none
  bool for_good = false;  // and never will be
};

class RunFacts : public std::enable_shared_from_this<RunFacts> {
 public:
  // `wake` puts the run into the queue, after the given time; it may be called from any thread.
  RunFacts(const Context& context, ObjectKey run, std::string run_uid,
           std::function<void(Milliseconds)> wake);

  void CopyTo(plan::RunObserved& observed) const;

  // Starts what has not been asked yet, but for live pods, and looks again at pods of other runs
  // that are followed.
  void Ask(const plan::FactRequests& requests);

  // When to look again at the pods of other runs that make these cache keys; nothing where no look
  // is due before an answer that is on its way.
  [[nodiscard]] std::optional<Milliseconds> NextLook(
      const std::vector<std::string>& followed_keys) const;

  // True when the receipts of this run that the store holds have been read: needed once, by a
  // controller that meets a run which another one began. False: they are being read.
  [[nodiscard]] bool HaveReceipts(const api::PipelineRunStatus& status);
  // Why they could not be read the last time; empty: nothing was in the way.
  [[nodiscard]] std::string ReceiptsTrouble() const;

  // The answer for a step's own program, or nullopt: it has been asked for now.
  [[nodiscard]] std::optional<CodeAnswer> Code(const api::CodeSpec& code);
  // The data of a ConfigMap that parameters come from, or why it is not known; nullopt: it has been
  // asked for now.
  [[nodiscard]] std::optional<Result<Json>> Config(const std::string& name);
  // The run that spec.rerun names, as it ended; nullopt: it is being looked for.
  [[nodiscard]] std::optional<FormerAnswer> Former(const std::string& run);
  // Forgets answers about programs that were errors, and those about ConfigMaps, so that they are
  // asked for again.
  void ForgetErrors();

  // Writes what an item of a looped step gave beside what launchers wrote.
  void Keep(const Receipt& receipt);
  // What an image starts by itself, or nullopt: its registry is asked now.
  [[nodiscard]] std::optional<ImageAnswer> Image(const std::string& image);

  // The entry was wrong: it is dropped, and asked for again.
  void DropCache(const std::string& key);

  // The live object of a pod: into the table, or gone. One that was there is looked at again no
  // sooner than 2 s afterwards, doubling to 30 s, however often this is called.
  void AskForPod(const std::string& pod);
  // The same of a child run.
  void AskForRun(const std::string& run);
  // How long until it, a pod or a run, may be looked at again; nothing: a look is under way, or may
  // begin.
  [[nodiscard]] std::optional<Milliseconds> WaitBeforeLook(const std::string& pod) const;

 private:
  struct Look {
    int times = 0;
    SteadyTime next;
  };

  // The facts of the store that the plan asks for, as they begin in `under_way_` and `troubles_`.
  static constexpr const char* kCache = "cache/";
  static constexpr const char* kReceipt = "receipt/";
  static constexpr const char* kArtifact = "put/";
  static constexpr const char* kGather = "gather/";
  static constexpr const char* kLastGood = "lastGood/";
  static constexpr const char* kReceipts = "receipts";  // all of the run's

  // Runs `fetch` on a pool unless it is under way. It gives true when it has an answer, false when
  // it is to be asked again after a pause, and so does its error, which is told.
  void Fetch(const Submit& pool, const std::string& id, std::function<Result<bool>()> fetch);
  // What a look says for sure: it is not there, or is none. A disk that fails says neither, and
  // neither does a right that is missing: whoever asked asks again.
  [[nodiscard]] static bool IsSure(ErrorKind kind) {
    return kind == ErrorKind::kNotFound || kind == ErrorKind::kInvalid;
  }
  void NoteTrouble(const std::string& id, const std::optional<Error>& trouble);
  void CountWaits(const plan::FactRequests& requests);
  [[nodiscard]] Result<bool> FetchCache(const std::string& key);
  [[nodiscard]] Result<bool> FetchReceipt(const std::string& pod);
  [[nodiscard]] Result<bool> FetchReceipts(const std::set<std::string>& known_pods);
  [[nodiscard]] Result<bool> FetchPod(const std::string& pod);
  [[nodiscard]] Result<bool> FetchRun(const std::string& run);
  void NoteLook(const std::string& pod);  // with mutex_ held
  [[nodiscard]] Result<bool> FetchFingerprint(const std::string& uri);
  [[nodiscard]] Result<bool> FetchArtifact(const std::string& digest);
  // run_facts_gather.cc
  void AskGathers(const plan::FactRequests& requests);
  [[nodiscard]] Result<bool> FetchGather(const plan::GatherRequest& request);
  [[nodiscard]] Result<bool> FetchLastGood(const plan::LastGoodRequest& request);
  [[nodiscard]] Result<bool> AreThere(const plan::LastGood& last) const;
  [[nodiscard]] Result<bool> FetchCode(const std::string& id, const api::CodeSpec& code);
  [[nodiscard]] Result<bool> FetchImage(const std::string& image);
  [[nodiscard]] Result<bool> FetchConfig(const std::string& name);
  // run_former.cc
  [[nodiscard]] Result<bool> FetchFormer(const std::string& run);
  [[nodiscard]] Result<std::optional<Receipt>> LookUp(const std::string& key) const;
  [[nodiscard]] std::string Follow(const std::string& key);
  [[nodiscard]] std::vector<std::string> DueFollowings(
      const std::vector<std::string>& followed_keys) const;

  const Context& context_;
  const ObjectKey run_;
  const std::string run_uid_;
  const std::function<void(Milliseconds)> wake_;
  // The pools, in this run's namespace's share of them.
  const Submit in_store_;
  const Submit in_sources_;

  mutable std::mutex mutex_;
  std::set<std::string> under_way_;
  bool have_receipts_ = false;
  std::map<std::string, bool> pod_gone_;
  std::map<std::string, bool> run_gone_;
  std::map<std::string, Look> looks_;  // by name of a pod or run
  std::map<std::string, plan::CacheAnswer> cache_;
  struct Following {
    CountedTime waited;
    SteadyTime look_at;  // not before
  };
  std::map<std::string, Following> following_;  // by cache key
  std::map<std::string, plan::ReceiptAnswer> receipts_;
  std::map<std::string, plan::FingerprintAnswer> fingerprints_;
  struct PutArtifact {
    std::optional<ArtifactRef> artifact;
    CountedTime missing;
  };
  std::map<std::string, PutArtifact> artifacts_;                                  // by digest
  std::map<std::string, std::shared_ptr<const plan::GatherAnswer>> gathered_;     // by step
  std::map<std::string, std::shared_ptr<const plan::LastGoodAnswer>> last_good_;  // by step
  int keeping_ = 0;                              // receipts that are being written
  std::set<std::string> kept_;                   // or were: what they are named by
  std::map<std::string, std::string> troubles_;  // what keeps a fact's answer away, by its id
  std::map<std::string, CodeAnswer> code_;
  std::map<std::string, ImageAnswer> images_;
  std::map<std::string, Result<Json>> configs_;
  std::map<std::string, FormerAnswer> formers_;
};

}  // namespace penstock::controllers
