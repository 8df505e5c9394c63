// What every learner of `train` does, so that the frame (folds, board, refit, artifact) knows none
// of them. A learner reads no files but its checkpoint and knows no folds; the frame knows no
// penalties, trees or epochs.
//
//   Try   all of a learner's settings on one pair of (training, held-out) rows: the frame calls it
//         once a fold, means each setting's loss over the folds, and picks one
//   Fit   the picked setting on all rows, without rows held out: how long to go on is in the
//   setting
//
// Deterministic: equal rows, setting, seed and `threads` give equal bits on one instruction set.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"
#include "components/sdk/matrix.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

enum class Loss : std::uint8_t {
  kLog,       // classification: -log of the true class's probability
  kSquared,   // regression; the mean
  kAbsolute,  // the median
  kHuber,     // squared within `delta` of the residual, absolute beyond
  kPoisson,   // counts and rates: log link, labels >= 0
  kQuantile,  // the `quantile` of the label
};

// What is learnt.
struct Target {
  sdk::ModelTask task = sdk::ModelTask::kClassification;
  std::size_t classes = 0;  // classification: >= 2; regression: 0
  Loss loss = Loss::kLog;
  double delta = 1;       // kHuber, in standard deviations of the label
  double quantile = 0.5;  // kQuantile, in (0, 1)

  // Numbers a row that Fitted::Answer gives: 1 (probability of class 1, or the value), or classes.
  [[nodiscard]] std::size_t width() const { return classes > 2 ? classes : 1; }
};

// Rows as a learner takes them; a view, owns nothing. x is row-major [rows, features]; NaN stands
// for a missing value in the view `tree` only.
struct Rows {
  const sdk::FloatMatrix* x = nullptr;
  std::span<const double> y;       // index of the class, or the value; finite
  std::span<const double> weight;  // >= 0, their sum > 0; empty: 1 each
};

struct Progress {
  std::string learner;
  Json setting = Json::object();
  std::int64_t round = 0;  // of boosting; epoch of mlp; iteration of linear
  double train_loss = 0;
  std::optional<double> valid_loss;
};

// What a fit may use. Outlives the call.
struct Context {
  std::span<const sdk::Feature> features;  // of the matrices' columns: names, cardinalities
  // The recipe has bends beside other steps. The rows of one fold may give none of them (`features`
  // has none then), so that settings go by this, which is the same in all folds.
  bool bends = false;
  Target target;
  std::uint64_t seed = 0;
  int threads = 1;         // a recorded parameter of the model, never the quota
  std::string device;      // "cpu", "cuda"; mlp only
  std::string checkpoint;  // a folder that survives a SIGKILL; empty: none. A Try or Fit that finds
                           // its own state there goes on from it, to the same bits; a state of
                           // other rows, settings or seed is not taken.
  bool keep = false;       // Try: also give Trial::fitted
  std::function<bool()> stop;                   // true: give up with Cancelled; may be empty
  std::function<void(const Progress&)> report;  // may be empty
};

// A fitted model. Immutable, thread-safe.
class Fitted {
 public:
  virtual ~Fitted() = default;
  // rows x Target::width(), row-major: probabilities in [0, 1] that sum to 1 where there are
  // several, or values in the label's unit. What is saved answers the same within 1e-6.
  [[nodiscard]] virtual Result<std::vector<double>> Answer(const sdk::FloatMatrix& x) const = 0;
  // Writes the back end's files into the model's folder and says in the manifest which they are
  // (backend, file, more_files); touches nothing else of it.
  [[nodiscard]] virtual Result<void> Save(const std::string& folder,
                                          sdk::ModelManifest& manifest) const = 0;
  // For the report: penalty, coefficients by feature, rounds, epochs, learning rate, ...
  [[nodiscard]] virtual Json Describe() const = 0;
};

// One setting on one pair of rows.
struct Trial {
  Json setting;  // equal settings of two folds have equal "id" (a text of the learner's)
  std::vector<double> answers;   // of the held-out rows, as Fitted::Answer
  std::optional<double> rounds;  // how long was best here; the frame means it over the folds
  // What answered, where Context::keep: it is the model when nothing is fitted again on more rows.
  // Null: Fit is called for it.
  std::shared_ptr<const Fitted> fitted = nullptr;
};

// Whether one batch could be learnt by heart.
struct OverfitReport {
  std::int64_t rows = 0;           // of the batch
  std::int64_t contradictory = 0;  // of them: another row has the same features and another label
  double first_loss = 0;           // of the first step, and of the last, above the least that any
  double last_loss = 0;            // model can have on these labels
  bool learnt = false;             // the last is at most a twentieth of the first
  std::string says;                // a sentence for the report
};

class Learner {
 public:
  virtual ~Learner() = default;
  [[nodiscard]] virtual std::string name() const = 0;  // linear, boosting, mlp
  [[nodiscard]] virtual sdk::View view() const = 0;
  // What a Try of all settings costs at most, of so many rows (training and held-out ones together,
  // as Try sees them) and the features of the learner's view (empty: the recipe has none of it),
  // in units of 1e6 multiply-adds or what takes as long (a thousand are a second of one core, or
  // less); the frame leaves out candidates that a budget does not allow, and says so.
  [[nodiscard]] virtual double Cost(std::size_t rows, std::span<const sdk::Feature> features,
                                    const Target& target) const = 0;
  // The same settings in the same order for each fold of one training. Invalid says what of the
  // data it cannot learn (a negative label of kPoisson).
  [[nodiscard]] virtual Result<std::vector<Trial>> Try(const Rows& train, const Rows& held_out,
                                                       const Context& context) const = 0;
  // `setting` is a Trial's, `rounds` the mean of the folds' as it is: what more rows ask for is the
  // learner's to know.
  [[nodiscard]] virtual Result<std::unique_ptr<Fitted>> Fit(const Rows& train, const Json& setting,
                                                            std::optional<double> rounds,
                                                            const Context& context) const = 0;
  // A diagnosis before a long training; nothing of a learner that has none.
  [[nodiscard]] virtual Result<std::optional<OverfitReport>> LearnOneBatch(
      const Rows& /*train*/, const Context& /*context*/) const {
    return std::optional<OverfitReport>();
  }
};

// What the user said of each learner; a value that is not given is the learner's to choose.
struct LinearOptions {
  std::optional<double> penalty;  // of the mean loss: mean + penalty / 2 * |w|^2; none: by folds
};
struct BoostingOptions {
  std::optional<std::int64_t> rounds;
  std::optional<std::int64_t> depth;
  std::optional<double> learning_rate;
};
// What a network begins with, beside chance.
struct InitOptions {
  std::string file;                          // empty: nothing
  std::string format;                        // torchscript, safetensors
  std::string digest;                        // of the file's bytes
  std::map<std::string, std::string> names;  // the network's name of a parameter -> the file's
  std::vector<std::string> freeze;  // patterns (*, ?) of names, the network's or the file's
  bool fresh = false;               // what does not match begins anew, instead of an error
  bool fresh_answer = false;        // the last layer does, too: it answers something else there
  [[nodiscard]] bool given() const { return !file.empty(); }
};
struct MlpOptions {
  std::optional<std::vector<std::int64_t>> hidden;
  std::optional<double> dropout;
  std::optional<double> learning_rate;  // none: the learning-rate finder's
  std::optional<double> weight_decay;
  std::optional<std::int64_t> epochs;
  std::optional<std::int64_t> batch_size;
  std::optional<std::int64_t> networks;  // whose mean answers
  double label_smoothing = 0;
  std::string format = "torchscript";  // or safetensors
  InitOptions init;
};

// linear/linear.h, boosting/boosting.h, mlp/mlp.h
[[nodiscard]] std::unique_ptr<Learner> MakeLinear(LinearOptions options);
[[nodiscard]] std::unique_ptr<Learner> MakeBoosting(BoostingOptions options);
[[nodiscard]] std::unique_ptr<Learner> MakeMlp(MlpOptions options);

}  // namespace penstock::train
