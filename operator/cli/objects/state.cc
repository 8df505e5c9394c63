#include "operator/cli/objects/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <random>
#include <tuple>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/base/shown_text.h"
#include "operator/cli/objects/artifact_name.h"
#include "operator/cli/objects/object_table.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

std::string Created(const Json& object) {
  return object.value("metadata", Json::object()).value("creationTimestamp", "");
}

}  // namespace

State State::Of(const Session& session) {
  if (!session.flags.state.empty()) return State(session.directory / session.flags.state);
  if (const std::string home = session.Env("PENSTOCK_HOME"); !home.empty()) {
    return State(session.directory / home);
  }
  return State(session.directory / ".penstock");
}

bool State::AsksForCluster(const Session& session) {
  const GlobalFlags& flags = session.flags;
  return flags.cluster || !flags.context.empty() || !flags.kubeconfig.empty() ||
         !flags.namespace_.empty();
}

std::optional<State> State::IfLocal(const Session& session) {
  State state = Of(session);
  if (!session.flags.state.empty()) return state;
  if (AsksForCluster(session)) return std::nullopt;
  // One that cannot be looked at is there: whatever is asked of it says why not.
  std::error_code error;
  const fs::file_type type = fs::status(state.root(), error).type();
  if (type == fs::file_type::not_found || (!error && type != fs::file_type::directory))
    return std::nullopt;
  return state;
}

Result<std::string> State::Id() const {
  const fs::path file = root_ / "id";
  const Result<std::string> known = ReadFile(file, 64);
  if (known && !known->empty()) return known;
  if (!known && known.error().kind != ErrorKind::kNotFound) return known.error();
  std::random_device random;
  std::string id;
  for (int i = 0; i < 16; ++i) {
    constexpr const char* kHex = "0123456789abcdef";
    const unsigned byte = random() & 0xFFU;
    id += kHex[byte >> 4U];
    id += kHex[byte & 0xFU];
  }
  if (Result<void> written = WriteFileAtomically(file, id); !written) return written.error();
  return id;
}

Result<void> State::Create() const {
  if (!IsUtf8(root_.string()))  // it stands in the tasks of steps
    return Invalid("state folder " + plan::Shown(root_.string()) +
                   ": the path is not UTF-8 text; give another with --state");
  std::error_code error;
  fs::create_directories(root_.parent_path(), error);
  // What runs see stands in it, Secrets among it; a folder that is there keeps its mode.
  if (::mkdir(root_.c_str(), 0700) != 0 && errno != EEXIST)
    return FromErrno("state folder " + root_.string(), errno);
  if (fs::exists(root_ / ".gitignore", error)) return {};
  return WriteFileAtomically(root_ / ".gitignore", "*\n");
}

fs::path State::ObjectFile(const kube::ResourceType& type, const std::string& name) const {
  return root_ / "objects" / std::string(type.plural) / (name + ".json");
}

Result<void> State::Save(const kube::ResourceType& type, const Json& object) const {
  return WriteFileAtomically(ObjectFile(type, object.at("metadata").value("name", "")),
                             object.dump(1));
}

Json ClosedRun(Json run, TimePoint now) {
  Json& status = run["status"];
  if (!status.is_object()) status = Json::object();
  Json conditions = Json::array();
  for (const Json& old : status.value("conditions", Json::array())) {
    const std::string condition = old.value("type", "");
    if (condition != "Finished" && condition != "Succeeded") conditions.push_back(old);
  }
  const std::string message = "the process that ran it ended before the run did";
  for (const auto& [condition, value] : {std::pair{"Succeeded", "False"}, {"Finished", "True"}}) {
    conditions.push_back({{"type", condition},
                          {"status", value},
                          {"reason", "Interrupted"},
                          {"message", message},
                          {"lastTransitionTime", FormatTime(now)}});
  }
  status["conditions"] = std::move(conditions);
  status["finishTime"] = FormatTime(now);
  if (!status.contains("steps")) return run;
  for (Json& step : status["steps"]) {
    const std::string phase = step.value("phase", "");
    if (phase != "Running" && phase != "Pending" && phase != "Waiting") continue;
    step["phase"] = "Cancelled";
    step["reason"] = "Interrupted";
    step["message"] = message;
  }
  return run;
}

Result<std::vector<Json>> State::Load(const kube::ResourceType& type) const {
  const bool at_work = type == kube::kPipelineRuns && RunningProcess() != 0;
  Result<std::vector<Json>> objects = LoadAsKept(type);
  if (!objects || type != kube::kPipelineRuns || at_work) return objects;
  const auto ended = [](const Json& run) {
    return ConditionStatus(run, "Finished") == "True" || ConditionStatus(run, "Stalled") == "True";
  };
  if (std::all_of(objects->begin(), objects->end(), ended) || RunningProcess() != 0) return objects;
  for (Json& run : *objects) {
    if (ended(run)) continue;
    struct stat st {};
    const std::string name = run.at("metadata").value("name", "");
    const bool known = ::stat(ObjectFile(type, name).c_str(), &st) == 0;
    run = ClosedRun(std::move(run), TimePoint(std::chrono::seconds(known ? st.st_mtime : 0)));
  }
  return objects;
}

Result<std::vector<Json>> State::LoadAsKept(const kube::ResourceType& type) const {
  struct Entry {
    std::string created;
    fs::file_time_type written;  // creation times have whole seconds only
    Json object;
  };
  std::vector<Entry> entries;
  std::error_code error;
  const fs::path folder = ObjectFile(type, "x").parent_path();
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".json") continue;
    const Result<std::string> text = ReadFile(it->path());
    if (!text) return text.error();
    Result<Json> object = ParseJson(*text, it->path().string());
    if (!object) return object.error();
    std::error_code ignored;
    const fs::file_time_type written = fs::last_write_time(it->path(), ignored);
    std::string created = Created(*object);
    entries.push_back({std::move(created), written, *std::move(object)});
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return FromErrno("reading folder " + folder.string(), error.value());
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.created, a.written) < std::tie(b.created, b.written);
  });
  std::vector<Json> objects;
  for (Entry& entry : entries) objects.push_back(std::move(entry.object));
  return objects;
}

Result<Json> State::Get(const kube::ResourceType& type, const std::string& name) const {
  const Result<std::string> text = ReadFile(ObjectFile(type, name));
  if (!text && text.error().kind == ErrorKind::kNotFound) {
    return NotFound(std::string(type.kind) + " \"" + name + "\" is not in " + root_.string());
  }
  if (!text) return text.error();
  return ParseJson(*text, ObjectFile(type, name).string());
}

bool State::Has(const kube::ResourceType& type, const std::string& name) const {
  std::error_code ignored;
  return fs::exists(ObjectFile(type, name), ignored);
}

void State::Remove(const kube::ResourceType& type, const std::string& name) const {
  std::error_code ignored;
  fs::remove(ObjectFile(type, name), ignored);
}

Result<Json> State::FindRun(const std::string& name) const {
  Result<std::vector<Json>> runs = Load(kube::kPipelineRuns);
  if (!runs) return runs.error();
  for (const Json& run : *runs) {
    if (run["metadata"].value("name", "") == name) return run;
  }
  for (auto run = runs->rbegin(); run != runs->rend(); ++run) {
    const Json ref = run->value("spec", Json::object()).value("pipelineRef", Json::object());
    if (ref.value("name", "") == name && ParentRun(*run).empty()) return *run;
  }
  return NotFound("there is no run or pipeline \"" + name + "\" in " + root_.string() +
                  "; `penstock get runs` lists them");
}

Result<ArtifactRef> State::FindArtifact(const std::string& name) const {
  if (name.starts_with("sha256:")) return store().Find(kLocalNamespace, name);
  return FindOutput(
      name, {[this](const std::string& pipeline) { return Get(kube::kPipelines, pipeline); },
             [this](const std::string& run) { return FindRun(run); }});
}

int State::RunningProcess() const {
  const int fd = open((root_ / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  int pid = 0;
  if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
    char text[32] = {};
    const ssize_t count = pread(fd, text, sizeof text - 1, 0);
    if (count > 0) std::from_chars(text, text + count, pid);
  }
  close(fd);
  return pid;
}

Result<StateLock> StateLock::Take(const State& state) {
  const fs::path path = state.root() / "lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FromErrno("lock " + path.string(), errno);
  bool taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
  // One that merely asks who runs holds it for a moment.
  for (int tries = 0; !taken && tries < 100 && state.RunningProcess() == 0; ++tries) {
    static_cast<void>(Pause(std::chrono::milliseconds(10), {}));
    taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
  }
  if (!taken) {
    close(fd);
    Error busy = Transient("process " + std::to_string(state.RunningProcess()) + " runs in " +
                           state.root().string() +
                           "; wait for it, or give this run a folder of its own with --state");
    return busy;
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    const int why = errno;
    close(fd);
    return FromErrno("lock " + path.string(), why);
  }
  return StateLock(fd);
}

StateLock::StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

StateLock::~StateLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace penstock::cli
