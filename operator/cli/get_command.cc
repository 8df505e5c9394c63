// penstock get: objects of a cluster or of the state folder, as kubectl shows them.
#include <algorithm>
#include <ostream>
#include <set>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/manifest_files.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/state.h"
#include "operator/kube/resources.h"
#include "operator/kube/selector.h"

namespace penstock::cli {
namespace {

struct Listing {
  const kube::ResourceType* type;
  std::vector<Json> objects;
  std::string resource_version;
};

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void Print(const GetOptions& options, OutputFormat format, const std::vector<Listing>& listings,
           Session& session) {
  if (format == OutputFormat::kJson || format == OutputFormat::kYaml) {
    std::vector<Json> all;
    for (const Listing& listing : listings) {
      all.insert(all.end(), listing.objects.begin(), listing.objects.end());
    }
    const bool single = options.names.size() == 1;
    session.out << (format == OutputFormat::kJson ? ToJsonText(all, single)
                                                  : ToYamlText(all, single));
    return;
  }
  bool first = true;
  for (const Listing& listing : listings) {
    if (listing.objects.empty()) continue;
    if (format == OutputFormat::kName) {
      session.out << ToNames(*listing.type, listing.objects);
      continue;
    }
    if (!std::exchange(first, false)) session.out << "\n";
    const TableOptions table{format == OutputFormat::kWide, options.all_namespaces};
    session.out << Format(TableOf(*listing.type, listing.objects, table, session.clock.Now()),
                          static_cast<std::size_t>(session.width), !options.no_headers);
  }
}

Result<Listing> Ask(kube::Client& client, const kube::ResourceType& type, const std::string& ns,
                    const GetOptions& options, const Session& session) {
  Listing listing{&type, {}, ""};
  if (!options.names.empty()) {
    for (const std::string& name : options.names) {
      Result<Json> object = client.Get(type, ns, name, {.stop = session.interrupted});
      if (!object) return object.error();
      listing.objects.push_back(*std::move(object));
    }
    return listing;
  }
  kube::ListOptions list;
  list.label_selector = options.selector;
  list.limit = 500;
  do {
    Result<kube::ListPage> page = client.List(type, ns, list, {.stop = session.interrupted});
    if (!page) return page.error();
    for (Json& item : page->items) listing.objects.push_back(std::move(item));
    listing.resource_version = page->resource_version;
    list.continue_token = page->continue_token;
  } while (!list.continue_token.empty());
  return listing;
}

// Prints a line for each change until it is interrupted.
int Watch(kube::Client& client, const kube::ResourceType& type, const std::string& ns,
          const GetOptions& options, OutputFormat format, std::string version, Session& session) {
  GetOptions line = options;
  line.no_headers = true;
  const std::set<std::string> names(options.names.begin(), options.names.end());
  while (!session.interrupted.stop_requested()) {
    kube::WatchOptions watch;
    watch.label_selector = options.selector;
    watch.resource_version = version;
    const auto sink = [&](kube::WatchEvent& event) {
      version = (*event.object)["metadata"].value("resourceVersion", version);
      if (event.type == kube::WatchEventType::kBookmark) return true;
      const std::string name = (*event.object)["metadata"].value("name", "");
      if (names.empty() || names.contains(name)) {
        Print(line, format, {{&type, {*event.object}, ""}}, session);
        session.out << std::flush;
      }
      return true;
    };
    const Result<void> watched = client.Watch(type, ns, watch, sink, session.interrupted);
    if (watched) continue;
    if (watched.error().kind == ErrorKind::kCancelled) break;
    if (watched.error().kind != ErrorKind::kExpired) {
      return session.Fail(kFailed, watched.error().message);
    }
    const Result<Listing> again = Ask(client, type, ns, options, session);
    if (!again) return session.Fail(kFailed, again.error().message);
    Print(line, format, {*again}, session);
    version = again->resource_version;
  }
  return kOk;
}

// The component library of this installation, as it would stand in a cluster.
Result<std::vector<Json>> LibraryObjects(const Session& session) {
  const Result<std::vector<api::Component>> library = LoadLibrary(session);
  if (!library) return library.error();
  std::vector<Json> objects;
  for (const api::Component& component : *library) objects.push_back(api::Encode(component));
  return objects;
}

// The cluster's library stands in the operator's namespace, and is for all: without names it is
// shown beside the namespace's own.
Result<void> AddClusterLibrary(const Cluster& cluster, const GetOptions& options, Listing& listing,
                               Session& session) {
  if (!options.names.empty() || options.all_namespaces || !options.selector.empty()) return {};
  kube::ListOptions library;
  library.label_selector = "penstock.dev/library=true";
  Result<kube::ListPage> page =
      cluster.client->List(kube::kComponents, "", library, {.stop = session.interrupted});
  if (!page && page.error().kind == ErrorKind::kForbidden) {
    session.err << "note: the library's components are not shown: " << page.error().message << "\n";
    return {};
  }
  if (!page) return page.error();
  for (Json& item : page->items) {
    if (item["metadata"].value("namespace", "") == cluster.namespace_) continue;
    listing.objects.push_back(std::move(item));
  }
  return {};
}

// The objects that the options ask for; the error names one that is not there.
Result<std::vector<Json>> Choose(const GetOptions& options, const kube::LabelSelector& selector,
                                 std::vector<Json> objects) {
  std::vector<Json> chosen;
  std::set<std::string> missing(options.names.begin(), options.names.end());
  for (Json& object : objects) {
    const std::string name = object["metadata"].value("name", "");
    // A component may be called without its version.
    const std::string component = object.value("spec", Json::object()).value("name", "");
    const bool named = options.names.empty() || Contains(options.names, name) ||
                       Contains(options.names, component);
    if (!named || !selector.Matches(object)) continue;
    missing.erase(name);
    missing.erase(component);
    chosen.push_back(std::move(object));
  }
  if (!missing.empty()) return NotFound(" \"" + *missing.begin() + "\" is not");
  return chosen;
}

int GetLibrary(const GetOptions& options, OutputFormat format, Session& session) {
  const Result<kube::LabelSelector> selector = kube::LabelSelector::Parse(options.selector);
  if (!selector) return session.Fail(kUsage, selector.error().message);
  Result<std::vector<Json>> library = LibraryObjects(session);
  if (!library) return session.Fail(kFailed, library.error().message);
  Result<std::vector<Json>> chosen = Choose(options, *selector, *std::move(library));
  if (!chosen) {
    return session.Fail(kFailed, "Component" + chosen.error().message + " in the library");
  }
  Print(options, format, {{&kube::kComponents, *std::move(chosen), ""}}, session);
  return kOk;
}

int GetFromCluster(const GetOptions& options, const std::vector<kube::ResourceType>& types,
                   OutputFormat format, Session& session) {
  const Result<Cluster> cluster = session.connect(session.flags);
  const bool library_will_do =
      types.size() == 1 && types[0] == kube::kComponents && !State::AsksForCluster(session);
  if (!cluster && library_will_do) {
    session.err << "note: " << cluster.error().message
                << "; these are the components of this installation\n";
    return GetLibrary(options, format, session);
  }
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const std::string ns = options.all_namespaces ? "" : cluster->namespace_;
  std::vector<Listing> listings;
  bool any = false;
  for (const kube::ResourceType& type : types) {
    Result<Listing> listing = Ask(*cluster->client, type, ns, options, session);
    if (!listing) return session.Fail(kFailed, listing.error().message);
    if (type == kube::kComponents && types.size() == 1) {
      const Result<void> added = AddClusterLibrary(*cluster, options, *listing, session);
      if (!added) return session.Fail(kFailed, added.error().message);
    }
    any = any || !listing->objects.empty();
    listings.push_back(*std::move(listing));
  }
  const bool table = format == OutputFormat::kTable || format == OutputFormat::kWide;
  if (!any && table && !options.watch) {
    session.err << "No resources found" << (ns.empty() ? "" : " in namespace " + ns) << ".\n";
    return kOk;
  }
  Print(options, format, listings, session);
  if (!options.watch) return kOk;
  session.out << std::flush;
  std::string version = listings[0].resource_version;
  if (!options.names.empty()) {  // the names' own versions are no place in the list's history
    const Result<kube::ListPage> page = cluster->client->List(types[0], ns, {});
    if (!page) return session.Fail(kFailed, page.error().message);
    version = page->resource_version;
  }
  return Watch(*cluster->client, types[0], ns, options, format, version, session);
}

int GetFromState(const GetOptions& options, const std::vector<kube::ResourceType>& types,
                 OutputFormat format, const State& state, Session& session) {
  if (options.watch) {
    return session.Fail(kUsage, "--watch needs a cluster; `penstock run` shows a local run");
  }
  const Result<kube::LabelSelector> selector = kube::LabelSelector::Parse(options.selector);
  if (!selector) return session.Fail(kUsage, selector.error().message);
  std::vector<Listing> listings;
  bool any = false;
  for (const kube::ResourceType& type : types) {
    Listing& listing = listings.emplace_back(Listing{&type, {}, ""});
    Result<std::vector<Json>> objects = state.Load(type);
    if (!objects) return session.Fail(kFailed, objects.error().message);
    if (type == kube::kComponents && types.size() == 1) {
      Result<std::vector<Json>> library = LibraryObjects(session);
      if (!library) return session.Fail(kFailed, library.error().message);
      objects->insert(objects->end(), library->begin(), library->end());
    }
    Result<std::vector<Json>> chosen = Choose(options, *selector, *std::move(objects));
    if (!chosen) {
      return session.Fail(kFailed, std::string(type.kind) + chosen.error().message + " in " +
                                       state.root().string());
    }
    listing.objects = *std::move(chosen);
    any = any || !listing.objects.empty();
  }
  if (!any && (format == OutputFormat::kTable || format == OutputFormat::kWide)) {
    session.err << "No resources found in " << state.root().string() << ".\n";
    return kOk;
  }
  Print(options, format, listings, session);
  return kOk;
}

}  // namespace

int Get(const GetOptions& options, Session& session) {
  const auto format = ParseOutputFormat(options.output);
  if (!format) return session.Fail(kUsage, format.error().message);
  const auto types = KindsOf(options.kind);
  if (!types) return session.Fail(kUsage, types.error().message);
  if (types->size() > 1 && (options.watch || !options.names.empty())) {
    return session.Fail(kUsage, "names and --watch need one kind, not \"" + options.kind + "\"");
  }
  const std::optional<State> state = State::IfLocal(session);
  if (state && !options.all_namespaces) {
    return GetFromState(options, *types, *format, *state, session);
  }
  return GetFromCluster(options, *types, *format, session);
}

}  // namespace penstock::cli
