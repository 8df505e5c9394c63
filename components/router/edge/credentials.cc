#include "components/router/edge/credentials.h"

#include <set>
#include <utility>

#include "operator/base/file.h"

namespace penstock::router {

namespace {

constexpr std::uint64_t kMostFileBytes = 1U << 20;  // of a Secret or ConfigMap

}  // namespace

bool Credentials::Look(const RouteTable& table, TimePoint now) {
  bool changed = false;
  std::set<std::string> names;
  std::set<KeyFetcher::Source> sources;
  for (const DeploymentRoute& route : table.deployments) {
    names.insert(route.name);
    Memory& memory = memories_[route.name];
    const EdgeView before = memory.view;
    if (route.tls) {
      LookAtTls(*route.tls, now, &memory);
    } else {
      memory.view.secure = false;
      memory.view.tls = nullptr;
      memory.certificate = memory.key = std::nullopt;
      memory.unusable = memory.view.certificate_trouble = "";
    }
    if (route.tokens) {
      LookAtTokens(*route.tokens, &memory);
      if (!route.tokens->keys_uri.empty())
        sources.emplace(route.tokens->keys_uri, route.tokens->ca_file);
    } else {
      memory.view.rules = nullptr;
      memory.tokens.reset();
      memory.view.keys_trouble.clear();
    }
    changed |= !(memory.view == before);
  }
  std::erase_if(memories_, [&](const auto& one) { return !names.contains(one.first); });
  fetcher_.KeepOnly(sources);
  return changed;
}

EdgeView Credentials::Of(const std::string& deployment) const {
  const auto found = memories_.find(deployment);
  return found == memories_.end() ? EdgeView() : found->second.view;
}

void Credentials::LookAtTls(const TlsRoute& route, TimePoint now, Memory* memory) {
  EdgeView& view = memory->view;
  view.secure = true;
  const auto certificate = ReadFile(route.certificate_file, kMostFileBytes);
  const auto key = ReadFile(route.key_file, kMostFileBytes);
  const auto told = [&](const std::string& what) {
    view.certificate_trouble = "Secret " + route.secret + ": " + what +
                               (view.tls ? "; the certificate before it is shown still" : "");
  };
  if (!certificate || !key)
    return told(std::string(certificate ? "tls.key" : "tls.crt") +
                " is not there: it takes a Secret of type kubernetes.io/tls");
  if (memory->certificate != *certificate || memory->key != *key) {
    memory->certificate = *certificate;
    memory->key = *key;
    auto made = ServerTls::Make(*certificate, *key);
    memory->unusable = made ? "" : made.error().message;
    if (made) view.tls = *std::move(made);
  }
  if (!memory->unusable.empty()) return told(memory->unusable);
  view.certificate_trouble =
      view.tls->until() > now ? ""
                              : "Secret " + route.secret + ": the certificate has expired at " +
                                    FormatTime(view.tls->until()) + ", so that clients refuse it";
}

std::string Credentials::ReadKeys(const TokenRoute& route, Memory* memory) {
  const auto keys = route.keys_file.empty() ? Result<std::string>(route.keys)
                                            : ReadFile(route.keys_file, kMostFileBytes);
  if (!keys)
    return keys.error().kind == ErrorKind::kNotFound ? "it is not there" : keys.error().message;
  if (memory->keys != *keys) {
    memory->keys = *keys;
    auto set = KeySet::Parse(*keys);
    memory->keys_unusable = set ? "" : set.error().message;
    if (set) {
      memory->key_set = *std::move(set);
    } else if (set.error().kind == ErrorKind::kUnsupported) {  // who leaves no key took them back
      memory->key_set = nullptr;
    }
  }
  return memory->keys_unusable;
}

void Credentials::LookAtTokens(const TokenRoute& route, Memory* memory) {
  EdgeView& view = memory->view;
  const bool same = memory->tokens && *memory->tokens == route;
  if (!same) {
    if (!memory->tokens || memory->tokens->keys_file != route.keys_file ||
        memory->tokens->keys_uri != route.keys_uri || !route.keys.empty()) {
      memory->keys = std::nullopt;
      memory->keys_unusable.clear();
      memory->key_set = nullptr;
    }
    memory->tokens = route;
  }
  const std::shared_ptr<const KeySet> before = memory->key_set;
  KeyFetcher::Fetched fetched;
  if (route.keys_uri.empty()) {
    fetched.trouble = ReadKeys(route, memory);
  } else {
    fetched = fetcher_.Look({route.keys_uri, route.ca_file});
    memory->key_set = fetched.keys;
  }
  view.keys_trouble =
      fetched.trouble.empty()
          ? ""
          : route.from + ": " + fetched.trouble +
                (memory->key_set ? "; the keys before it are used still" : "; no token is taken");
  if (same && view.rules && before == memory->key_set) return;
  view.rules = std::make_shared<const TokenRules>(
      TokenRules{route.issuer, route.audiences, memory->key_set, std::move(fetched.unknown_key)});
}

}  // namespace penstock::router
