// A request of the API as handlers see it, and its answers. Used by the connection's thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/base/json.h"
#include "operator/gateway/api/access.h"
#include "operator/gateway/router.h"

namespace penstock::gateway {

// name=value pairs in the order of the query, decoded. Invalid says which is badly encoded.
using QueryPairs = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Result<QueryPairs> ParseQuery(const std::string& query);

class ApiRequest {
 public:
  // What it is given must outlive it.
  ApiRequest(Exchange& exchange, PathParameters path, QueryPairs query, Caller caller)
      : exchange_(exchange),
        path_(std::move(path)),
        query_(std::move(query)),
        caller_(std::move(caller)) {}

  [[nodiscard]] Exchange& exchange() { return exchange_; }
  [[nodiscard]] const Caller& caller() const { return caller_; }
  [[nodiscard]] std::stop_token stop() const { return exchange_.stop(); }
  [[nodiscard]] const std::string& Path(const char* name) const { return path_.at(name); }
  // "" of a route that is of no namespace.
  [[nodiscard]] const std::string& ns() const {
    return path_.contains("ns") ? path_.at("ns") : no_namespace_;
  }
  [[nodiscard]] const QueryPairs& query() const { return query_; }
  [[nodiscard]] std::string Text(const std::string& name) const;  // "" where it is not given
  [[nodiscard]] std::vector<std::string> All(const std::string& name) const;
  // kInvalid names it, and `field()` does from then on.
  [[nodiscard]] Result<std::uint64_t> Number(const std::string& name, std::uint64_t otherwise,
                                             std::uint64_t low, std::uint64_t high);
  // The same of an index; nothing where it is not given.
  [[nodiscard]] Result<std::optional<int>> Index(const std::string& name);
  [[nodiscard]] Result<std::string> OneOf(const std::string& name,
                                          const std::vector<std::string>& words);

  // The field that an error is about; empty: none.
  [[nodiscard]] const std::string& field() const { return field_; }
  void Blame(const std::string& field) { field_ = field; }

  Json body = Json::object();  // of a write

 private:
  Exchange& exchange_;
  const PathParameters path_;  // decoded
  const QueryPairs query_;
  const Caller caller_;
  const std::string no_namespace_;
  std::string field_;
};

// {"error": {code, message, field}} with the status of the error's kind; `code` is the kind's name.
void RespondApiError(Exchange& x, const Error& error, const std::string& field = {});
void RespondApiError(Exchange& x, int status, const std::string& code, const std::string& message,
                     const Headers& headers = {});

// JSON with an ETag of its content; 304 where the caller has that already.
void RespondJson(Exchange& x, int status, const Json& body, Headers headers = {});

}  // namespace penstock::gateway
