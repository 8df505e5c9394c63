#include "operator/artifacts/prediction_store.h"

#include <algorithm>

#include "operator/base/file.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFolder = "predictions";
constexpr std::string_view kSuffix = ".parquet";

bool IsPart(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text[0] != '.' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == text.npos;
}

bool IsFileName(std::string_view name) {
  return IsPart(name) && name.size() > kSuffix.size() && name.ends_with(kSuffix);
}

Result<fs::path> Folder(const fs::path& root, const std::string& ns,
                        const std::string& deployment) {
  if (!IsPart(ns)) return Invalid("namespace '" + ns.substr(0, 80) + "' is no name");
  if (!IsPart(deployment))
    return Invalid("ModelDeployment '" + deployment.substr(0, 80) + "' is no name");
  return root / ns / kFolder / deployment;
}

Result<fs::path> FilePath(const fs::path& root, const std::string& ns,
                          const std::string& deployment, const std::string& name) {
  auto folder = Folder(root, ns, deployment);
  if (!folder) return folder;
  if (!IsFileName(name))
    return Invalid("'" + name.substr(0, 80) +
                   "' is no prediction file: a-z, 0-9, '-' and '.', ending in .parquet");
  return *folder / name;
}

// The names in a folder, sorted; none where there is no folder.
Result<std::vector<std::string>> Names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    names.push_back(it->path().filename().string());
  if (ec && ec != std::errc::no_such_file_or_directory && ec != std::errc::not_a_directory)
    return FromErrno("reading folder " + folder.string(), ec.value());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string FormatPredictionFiles(const std::vector<PredictionFile>& files) {
  Json list = Json::array();
  for (const auto& file : files) list.push_back({{"name", file.name}, {"bytes", file.bytes}});
  return Json{{"files", std::move(list)}}.dump();
}

Result<std::vector<PredictionFile>> ParsePredictionFiles(const std::string& text) {
  const auto parsed = ParseJson(text, "list of prediction files");
  if (!parsed) return parsed.error();
  const Error bad = Invalid("this is no list of prediction files: " + text.substr(0, 80));
  if (!parsed->is_object() || !parsed->contains("files")) return bad;
  std::vector<PredictionFile> files;
  for (const Json& entry : parsed->at("files")) {
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() ||
        !entry.contains("bytes") || !entry["bytes"].is_number_unsigned())
      return bad;
    PredictionFile file{entry["name"].get<std::string>(), entry["bytes"].get<std::uint64_t>()};
    if (!IsFileName(file.name)) return bad;  // it becomes a path here
    files.push_back(std::move(file));
  }
  return files;
}

PredictionStore::PredictionStore(fs::path root) : root_(std::move(root)) {}

Result<void> PredictionStore::Put(const std::string& ns, const std::string& deployment,
                                  const std::string& name, std::string_view bytes) const {
  auto path = FilePath(root_, ns, deployment, name);
  if (!path) return path.error();
  return WriteFileAtomically(*path, bytes);
}

Result<std::vector<PredictionFile>> PredictionStore::List(const std::string& ns,
                                                          const std::string& deployment) const {
  auto folder = Folder(root_, ns, deployment);
  if (!folder) return folder.error();
  auto names = Names(*folder);
  if (!names) return names.error();
  std::vector<PredictionFile> files;
  for (const auto& name : *names) {
    if (!IsFileName(name)) continue;  // on its way in
    std::error_code gone;             // its time may have been over meanwhile
    const auto bytes = fs::file_size(*folder / name, gone);
    if (!gone) files.push_back({name, bytes});
  }
  return files;
}

Result<fs::path> PredictionStore::Path(const std::string& ns, const std::string& deployment,
                                       const std::string& name) const {
  auto path = FilePath(root_, ns, deployment, name);
  if (!path) return path;
  std::error_code ec;
  if (!fs::is_regular_file(*path, ec))
    return NotFound("ModelDeployment " + deployment + " of namespace " + ns +
                    " has no prediction file " + name);
  return path;
}

Result<std::vector<PredictionStore::Log>> PredictionStore::Logs() const {
  std::vector<Log> logs;
  auto namespaces = Names(root_);
  if (!namespaces) return namespaces.error();
  for (const auto& ns : *namespaces) {
    auto deployments = Names(root_ / ns / kFolder);
    if (!deployments) return deployments.error();
    for (const auto& deployment : *deployments) logs.push_back({ns, deployment});
  }
  return logs;
}

Result<int> PredictionStore::RemoveOlder(const Log& log, std::chrono::milliseconds age) const {
  auto folder = Folder(root_, log.ns, log.deployment);
  if (!folder) return folder.error();
  auto names = Names(*folder);
  if (!names) return names.error();
  int removed = 0;
  const auto before = fs::file_time_type::clock::now() - age;
  for (const auto& name : *names) {
    std::error_code ec;
    const fs::path path = *folder / name;
    const auto written = fs::last_write_time(path, ec);
    if (ec || written > before) continue;
    if (fs::remove(path, ec)) ++removed;
    if (ec) return FromErrno("removing " + path.string(), ec.value());
  }
  std::error_code not_empty;
  fs::remove(*folder, not_empty);
  return removed;
}

}  // namespace penstock::artifacts
