#include "components/serve/engine/inference.h"

#include <random>
#include <utility>

namespace penstock::serve {
namespace {

constexpr std::size_t kMaxIdBytes = 1024;

Error Unready(const std::string& reason) {
  Error error = Transient(reason);
  error.retry_after = std::chrono::seconds(1);
  return error;
}

std::string RandomPrefix() {
  std::random_device device;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < 12; ++i) text.push_back(kHex[device() & 15]);
  return text + "-";
}

BatchPolicy PolicyFor(const Model& model, BatchPolicy policy) {
  if (!model.signature().batched) policy.max_rows = 1;
  return policy;
}

std::vector<std::string> NamesOf(const std::vector<AskedOutput>& outputs) {
  std::vector<std::string> names;
  names.reserve(outputs.size());
  for (const AskedOutput& output : outputs) names.push_back(output.name);
  return names;
}

std::vector<bool> BinaryOf(const InferRequest& request, std::size_t outputs) {
  std::vector<bool> binary(outputs, request.binary_outputs);
  for (std::size_t i = 0; i < request.outputs.size(); ++i)
    binary[i] = request.outputs[i].binary.value_or(request.binary_outputs);
  return binary;
}

// Counts each batch before what the hooks do already. The statistics outlive the pool.
WorkerPool::Hooks Counting(WorkerPool::Hooks hooks, Statistics* statistics) {
  hooks.on_batch = [next = std::move(hooks.on_batch), statistics](std::int64_t rows,
                                                                  Statistics::Duration compute) {
    statistics->Executed(rows, compute);
    if (next) next(rows, compute);
  };
  return hooks;
}

// The name of the rejected_total series that an error belongs to; null when it is none.
const char* RejectionOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kOverloaded:
      return "queue_full";
    case ErrorKind::kDeadline:
      return "expired";
    case ErrorKind::kGone:
      return "cancelled";
    default:
      return nullptr;
  }
}

}  // namespace

ServedModel::ServedModel(ModelIdentity who, std::shared_ptr<const Model> what, int instances,
                         const BatchPolicy& batching, const Clock* clock, WorkerPool::Hooks hooks,
                         std::shared_ptr<Observer> who_watches)
    : identity(std::move(who)),
      model(std::move(what)),
      observer(std::move(who_watches)),
      pool(model, instances, PolicyFor(*model, batching), clock,
           Counting(std::move(hooks), statistics.get())) {}

Inference::Inference(Options options, const Clock* clock, Metrics* metrics)
    : options_(std::move(options)),
      clock_(clock),
      metrics_(metrics),
      id_prefix_(RandomPrefix()),
      reason_("the model is loading") {}

Inference::~Inference() { Stop(); }

void Inference::Publish(ModelIdentity identity, std::shared_ptr<const Model> model,
                        std::shared_ptr<Observer> observer) {
  WorkerPool::Hooks hooks;
  hooks.on_thread_start = [start = options_.on_worker_start, threads = options_.intra_op_threads] {
    if (start != nullptr) start(threads);
  };
  hooks.on_batch = [this](std::int64_t rows, Statistics::Duration) {
    metrics_->ObserveBatch(rows);
  };
  metrics_->NameModel(identity.name, identity.version);
  auto served = std::make_shared<ServedModel>(std::move(identity), std::move(model),
                                              options_.instances, options_.batching, clock_,
                                              std::move(hooks), std::move(observer));
  std::lock_guard lock(mutex_);
  served_ = std::move(served);
  phase_ = Phase::kReady;
  metrics_->SetReady(!draining_);
}

void Inference::Fail(const std::string& reason) {
  std::lock_guard lock(mutex_);
  phase_ = Phase::kFailed;
  reason_ = "the model did not load: " + reason;
}

void Inference::BeginDrain() {
  draining_ = true;
  metrics_->SetReady(false);
}

void Inference::Stop() {
  std::shared_ptr<ServedModel> last;
  {
    std::lock_guard lock(mutex_);
    last = std::exchange(served_, nullptr);
    phase_ = Phase::kStopped;
    reason_ = "the server has stopped";
  }
}

std::shared_ptr<ServedModel> Inference::served() const {
  std::lock_guard lock(mutex_);
  return served_;
}

Inference::State Inference::state() const {
  std::lock_guard lock(mutex_);
  State state{phase_, {options_.model_name, options_.model_version}, reason_};
  if (served_) state = {phase_, served_->identity, ""};
  if (draining_ && phase_ != Phase::kStopped && phase_ != Phase::kFailed) {
    state.phase = Phase::kDraining;
    state.reason = "the server is shutting down";
  }
  return state;
}

Result<std::shared_ptr<ServedModel>> Inference::Find(const std::string& model,
                                                     const std::string& version) const {
  auto current = served();
  if (!current) return Unready(state().reason);
  if (model != current->identity.name) return NotFound("there is no model '" + model + "' here");
  if (!version.empty() && version != current->identity.version)
    return NotFound("model '" + model + "' has no version '" + version + "' here");
  return current;
}

Result<JobPtr> Inference::MakeJob(const ServedModel& served, InferCall* call,
                                  std::vector<std::size_t>* chosen, InferAnswer* answer,
                                  std::shared_ptr<Observer::Seen>* seen) {
  InferRequest& request = call->request;
  if (request.id.size() > kMaxIdBytes) return Invalid("'id' is longer than 1024 bytes");
  const Model& model = *served.model;
  auto selected = SelectOutputs(model.signature(), NamesOf(request.outputs));
  if (!selected) return selected.error();
  auto rows = FitInputs(model.signature(), &request.inputs);
  if (!rows) return rows.error();
  if (*rows > options_.max_rows) {
    return Invalid("the request has " + std::to_string(*rows) + " rows; send at most " +
                   std::to_string(options_.max_rows) + " at once");
  }
  if (served.observer) *seen = served.observer->SeeInputs(request.inputs, *rows);
  auto prepared = model.Prepare(std::move(request.inputs));
  if (!prepared) return prepared.error();
  *chosen = std::move(*selected);
  answer->binary = BinaryOf(request, chosen->size());
  answer->id = request.id.empty() ? id_prefix_ + std::to_string(next_id_++) : std::move(request.id);
  answer->rows = *rows;
  answer->parts.input = clock_->Steady() - call->begin;
  auto job = std::make_unique<Job>();
  job->inputs = std::move(*prepared);
  job->rows = *rows;
  job->cancelled = call->cancelled;
  for (const auto& timeout : {call->timeout, request.timeout}) {
    if (timeout && (!job->deadline || call->begin + *timeout < *job->deadline))
      job->deadline = call->begin + *timeout;
  }
  return job;
}

void Inference::Infer(const std::shared_ptr<ServedModel>& served, InferCall call, Done done) {
  const SteadyTime begin = call.begin;
  const auto fail = [this, begin, statistics = served->statistics.get()](const Error& error,
                                                                         const Done& tell) {
    statistics->Failed(clock_->Steady() - begin);
    if (const char* reason = RejectionOf(error)) metrics_->CountRejected(reason);
    tell(error);
  };
  std::vector<std::size_t> chosen;
  InferAnswer answer;
  std::shared_ptr<Observer::Seen> seen;
  auto job = MakeJob(*served, &call, &chosen, &answer, &seen);
  if (!job) return fail(job.error(), done);
  // This object outlives the pool's threads, and the pool its jobs.
  const Model* model = served->model.get();
  Observer* observer = served->observer.get();
  (*job)->done = [model, observer, fail, seen = std::move(seen), done = std::move(done),
                  answer = std::move(answer),
                  chosen = std::move(chosen)](JobResult result) mutable {
    Result<std::vector<Tensor>> outputs = std::move(result.outputs);
    if (outputs) outputs = model->Present(std::move(*outputs));
    if (!outputs) return fail(outputs.error(), done);
    if (seen) observer->SeeAnswer(seen, answer.id, *outputs);
    for (std::size_t index : chosen) answer.outputs.push_back(std::move((*outputs)[index]));
    answer.parts.queue = result.queued;
    answer.parts.compute = result.computed;
    done(std::move(answer));
  };
  auto submitted = served->pool.RunsOn(call.loop, **job)
                       ? served->pool.SubmitTo(call.loop, *job, served)
                       : served->pool.Submit(*job);
  if (!submitted) (*job)->done(JobResult{submitted.error()});
}

void Inference::Answered(const ServedModel& served, const InferAnswer& answer, SteadyTime begin) {
  const auto total = clock_->Steady() - begin;
  Statistics::Parts parts = answer.parts;
  parts.output =
      std::max(Statistics::Duration::zero(), total - parts.input - parts.queue - parts.compute);
  served.statistics->Succeeded(answer.rows, parts, clock_->Now());
  metrics_->ObserveInference(total, parts.queue, parts.compute);
}

}  // namespace penstock::serve
