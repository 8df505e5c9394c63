// An outside source of named objects, for whoever reads one: a key is a file, a key that ends with
// "/" the folder of all objects below it. Blocks; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::fetch {

struct SourceSettings {
  std::map<std::string, std::string> environment = {};  // of the step: which store, whose keys
  std::string ca_pem = {};  // trusted where the environment names none; empty: the system's roots
  std::uint64_t max_bytes = UINT64_MAX;  // of all that is read
  bool flat = false;  // a folder within the folder is an error, before it is read
  // An object that hardly comes on is given up; 1 KiB a second.
  std::uint64_t least_bytes = 60 * 1024;
  std::chrono::milliseconds least_in{60'000};
  std::chrono::milliseconds list_deadline{600'000};  // of a folder's list: no page after it
  std::chrono::milliseconds first_pause{200};
  std::stop_token stop = {};
};
// The first of these variables that is set and not empty, or "".
[[nodiscard]] std::string VariableOf(const SourceSettings& settings,
                                     std::initializer_list<const char*> names);

struct SourceObject {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;     // with its quotes
  std::string version;  // where the store keeps versions; of a folder's objects it is not asked
};

using Sink = std::function<Result<void>(std::string_view)>;

// Thread-safe.
class SourceStore {
 public:
  virtual ~SourceStore() = default;

  // For people: "s3://bucket/key".
  [[nodiscard]] virtual std::string Name(const std::string& key) const = 0;
  // Gives each byte once and in order, also when the transfer broke in between; `etag`: of the
  // object that is meant, empty: any. Transient where another one is there.
  [[nodiscard]] virtual Result<SourceObject> Get(const std::string& key, const std::string& etag,
                                                 const Sink& sink, std::stop_token stop) = 0;
  struct Page {
    std::vector<SourceObject> objects;
    std::string next;  // the token of the next page; empty: this was the last
  };
  // Objects whose key begins so; `most` is a wish.
  [[nodiscard]] virtual Result<Page> List(const std::string& prefix, const std::string& token,
                                          int most, std::stop_token stop) = 0;
  // What List can be asked for all that begins so: of a store of folders the folder.
  [[nodiscard]] virtual std::string ListedBy(const std::string& prefix) const { return prefix; }
};

inline constexpr std::size_t kMostObjects = 100'000;  // of one source

// One page of List: without objects that stand for folders, ETags with their quotes.
[[nodiscard]] Result<SourceStore::Page> ListPage(SourceStore& store, const std::string& prefix,
                                                 const std::string& token,
                                                 const SourceSettings& settings);

// Writes `target`, which must not exist: a file, or a folder with a file for each object by what
// its key has behind the prefix (an object that stands for a folder is none). Each object is read
// whole as it was when it was first seen (a folder's: when they were listed), after a break too:
// one that changes meanwhile is Transient. Gives what was read, by key. What an error leaves in
// `target` is the caller's to remove.
//
// Invalid for what will not pass by itself, with what to set: a key that cannot be a file's name;
// NotFound where there is no such object.
[[nodiscard]] Result<std::vector<SourceObject>> ReadSource(SourceStore& store,
                                                           const std::string& key, bool folder,
                                                           const std::filesystem::path& target,
                                                           const SourceSettings& settings);

// The bytes of one object to `sink`, each once and in order, after breaks too; errors as above.
[[nodiscard]] Result<SourceObject> StreamSource(SourceStore& store, const std::string& key,
                                                const Sink& sink, const SourceSettings& settings);

// The same for objects that were listed, each at what its key has behind `prefix`, which all have;
// `objects` becomes what was read.
[[nodiscard]] Result<void> ReadListed(SourceStore& store, const std::string& prefix,
                                      std::vector<SourceObject>& objects,
                                      const std::filesystem::path& target,
                                      const SourceSettings& settings);

// What identifies what was read: of a file as of any answer over HTTP (protocol/task.h), of a
// folder a digest over those of its objects; empty where nothing does. Pure.
[[nodiscard]] std::string FingerprintOf(bool folder, const std::vector<SourceObject>& objects);

// "a%20b" -> "a b"; a lone % stays. Pure.
[[nodiscard]] std::string KeyOfUri(const std::string& text);

}  // namespace penstock::fetch
