#include "operator/main/library.h"

#include <algorithm>

#include "operator/api/codec.h"
#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/kube/resources.h"

namespace penstock::main {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxManifestBytes = 256 * 1024;

Result<std::vector<Json>> ReadComponents(const fs::path& folder) {
  std::error_code ec;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    if (it->path().extension() == ".yaml") files.push_back(it->path());
  }
  if (ec) return FromErrno("reading the component library " + folder.string(), ec.value());
  std::sort(files.begin(), files.end());
  std::vector<Json> components;
  for (const fs::path& file : files) {
    auto text = ReadFile(file, kMaxManifestBytes);
    if (!text) return Wrap(file.string(), text.error());
    auto documents = api::ParseManifests(*text, file.string());
    if (!documents) return documents.error();
    for (auto& document : *documents) {
      const auto decoded = api::DecodeComponent(document.object);
      if (!decoded.errors.empty())
        return Invalid(file.string() + " is no Component: " + api::Describe(decoded.errors));
      components.push_back(std::move(document.object));
    }
  }
  if (components.empty()) return Invalid(folder.string() + " holds no Component");
  return components;
}

// Without what the API server adds.
Json SpecOf(const Json& component) {
  return api::Encode(api::DecodeComponent(component).value.spec);
}

}  // namespace

Result<LibraryReport> CreateLibrary(kube::Client& client, const std::string& ns,
                                    const fs::path& folder, const kube::Call& call) {
  auto components = ReadComponents(folder);
  if (!components) return components.error();
  LibraryReport report;
  for (Json& component : *components) {
    const std::string name = api::DecodeMeta(component).name;
    auto live = client.Get(kube::kComponents, ns, name, call);
    if (!live && live.error().kind == ErrorKind::kNotFound) {
      component["metadata"]["namespace"] = ns;
      live = client.Create(kube::kComponents, ns, component, call);
      if (live) report.created.push_back(name);
    }
    if (!live) return Wrap("the library's Component " + name, live.error());
    if (SpecOf(*live) != SpecOf(component)) report.different.push_back(name);
  }
  return report;
}

void InstallLibrary(kube::Client& client, const std::string& ns,
                    const std::filesystem::path& folder, const runtime::Log& log,
                    const std::stop_token& stop) {
  constexpr auto kBetweenAttempts = std::chrono::seconds(2);
  std::string told;
  while (!stop.stop_requested()) {
    const auto report = CreateLibrary(client, ns, folder, {.stop = stop});
    if (report) {
      for (const auto& name : report->created) log.Write("info", "created Component " + name);
      for (const auto& name : report->different) {
        log.Write("warn", "Component " + name +
                              " is not the library's of that version and was left as it is; "
                              "delete it to have the library's made");
      }
      return;
    }
    if (report.error().message != told) log.Write("warn", report.error().message);
    told = report.error().message;
    Pause(kBetweenAttempts, stop);
  }
}

}  // namespace penstock::main
