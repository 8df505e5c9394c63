#include "operator/kube/request_path.h"

#include <algorithm>

#include "operator/net/url.h"

namespace penstock::kube {
namespace {

class Query {
 public:
  Query& Add(const char* key, const std::string& value) {
    if (!value.empty())
      text_ += (text_.empty() ? "?" : "&") + std::string(key) + "=" + net::UrlEncode(value);
    return *this;
  }
  Query& Flag(const char* key, bool value) { return Add(key, value ? "true" : ""); }
  [[nodiscard]] std::string Text() const { return text_; }

 private:
  std::string text_;
};

Result<void> CheckSegment(const char* what, const std::string& text) {
  if (text == "." || text == ".." || text.find('/') != std::string::npos ||
      text.find('%') != std::string::npos || text.size() > 253) {
    return Invalid(std::string(what) + " \"" + text.substr(0, 60) + "\" cannot be part of a path");
  }
  return {};
}

}  // namespace

Result<std::string> ResourcePath(const ResourceType& type, const std::string& ns,
                                 const std::string& name, const std::string& subresource) {
  if (auto good = CheckSegment("namespace", ns); !good) return good.error();
  if (auto good = CheckSegment("name", name); !good) return good.error();
  std::string path = type.group.empty() ? "/api/" : "/apis/" + std::string(type.group) + "/";
  path += type.version;
  if (type.namespaced && !ns.empty()) path += "/namespaces/" + net::UrlEncode(ns);
  if (!type.plural.empty()) path += "/" + std::string(type.plural);
  if (!name.empty()) path += "/" + net::UrlEncode(name);
  if (!subresource.empty()) path += "/" + subresource;
  return path;
}

std::string ListQuery(const ListOptions& options) {
  Query query;
  query.Add("labelSelector", options.label_selector).Add("fieldSelector", options.field_selector);
  if (options.limit > 0) query.Add("limit", std::to_string(options.limit));
  query.Add("continue", options.continue_token);
  if (options.continue_token.empty()) query.Add("resourceVersion", options.resource_version);
  return query.Text();
}

std::chrono::seconds WatchTimeout(const WatchOptions& options) {
  const auto sign_of_life =
      std::max(options.idle_timeout - std::chrono::seconds(10), std::chrono::seconds(1));
  return std::clamp(options.server_timeout, std::chrono::seconds(1), sign_of_life);
}

std::string WatchQuery(const WatchOptions& options) {
  Query query;
  query.Add("watch", "true")
      .Add("labelSelector", options.label_selector)
      .Add("fieldSelector", options.field_selector)
      .Add("resourceVersion", options.resource_version)
      .Flag("allowWatchBookmarks", options.allow_bookmarks)
      .Add("timeoutSeconds", std::to_string(WatchTimeout(options).count()));
  if (options.send_initial_events) {
    query.Add("sendInitialEvents", "true").Add("resourceVersionMatch", "NotOlderThan");
  }
  return query.Text();
}

std::string LogQuery(const LogOptions& options) {
  Query query;
  query.Add("container", options.container)
      .Flag("follow", options.follow)
      .Flag("previous", options.previous)
      .Flag("timestamps", options.timestamps);
  if (options.tail_lines) query.Add("tailLines", std::to_string(*options.tail_lines));
  if (options.limit_bytes) query.Add("limitBytes", std::to_string(*options.limit_bytes));
  return query.Text();
}

std::string ApplyQuery(const PatchOptions& options) {
  return Query{}.Add("fieldManager", options.field_manager).Flag("force", options.force).Text();
}

std::string FieldManagerQuery(const std::string& manager) {
  return Query{}.Add("fieldManager", manager).Text();
}

}  // namespace penstock::kube
