#include "components/router/edge/key_set.h"

#include <algorithm>
#include <utility>

#include "operator/base/json.h"
#include "operator/base/json_member.h"

namespace penstock::router {

namespace {

constexpr std::size_t kMostKeys = 50;
constexpr std::size_t kMostKeySetBytes = 256U << 10;

}  // namespace

Result<std::optional<KeySet::Key>> KeySet::Read(const Json& json, const std::string& where) {
  Key key{tokens::LabelOf(json), nullptr};
  if (key.label.type == "oct" || !Member(json, "d").is_null() || !Member(json, "k").is_null())
    return Invalid(where +
                   " holds a secret, by which all who read it can sign: only public keys "
                   "belong here; make another key");
  const auto forms = tokens::Forms();
  const auto form = std::find_if(forms.begin(), forms.end(),
                                 [&](const SignatureForm& f) { return key.label.Fits(f); });
  if (form == forms.end() || !key.label.for_signatures) return std::optional<Key>();
  auto made = tokens::ReadPublicKey(json, *form);
  if (!made) return Wrap(where, made.error());
  key.key = std::move(*made);
  return std::optional(std::move(key));
}

const SignatureForm* KeySet::Clash(const Key& one, const Key& other) {
  if (one.label.id.empty() || one.label.id != other.label.id) return nullptr;
  const auto forms = tokens::Forms();
  const auto both = std::find_if(forms.begin(), forms.end(), [&](const SignatureForm& f) {
    return one.label.Fits(f) && other.label.Fits(f);
  });
  return both == forms.end() ? nullptr : &*both;
}

Result<std::shared_ptr<const KeySet>> KeySet::Parse(std::string_view json, By by) {
  if (json.size() > kMostKeySetBytes) return Invalid("a key set has at most 256 KiB");
  const auto parsed = ParseJson(json, "the key set");
  if (!parsed) return Invalid(parsed.error().message);
  const Json& keys = Member(*parsed, "keys");
  if (!keys.is_array()) return Invalid("a key set is {\"keys\": [...]} (RFC 7517)");
  if (keys.size() > kMostKeys) return Invalid("a key set has at most 50 keys");
  const bool tells = by == By::kPeople;
  std::vector<Key> all;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string where = "keys[" + std::to_string(i) + "]";
    auto key = Read(keys[i], where);
    if (!key && tells) return key.error();
    if (!key || !*key) continue;
    for (const Key& before : all)
      if (const SignatureForm* const form = Clash(before, **key); form != nullptr && tells)
        return Invalid(where + ": a key before it has its kid, " + before.label.id +
                       ", and is for " + std::string(form->name) +
                       " too: which of them a token means, nobody says");
    all.push_back(**std::move(key));
  }
  std::shared_ptr<KeySet> set(new KeySet);
  for (const Key& key : all) {
    const bool clashes = std::any_of(all.begin(), all.end(), [&](const Key& other) {
      return &key != &other && Clash(key, other) != nullptr;
    });
    if (!clashes) set->keys_.push_back(key);
  }
  if (set->keys_.empty())
    return Error{ErrorKind::kUnsupported,
                 "no key of it is for signatures of RS256, RS384, RS512, ES256 or ES384"};
  return std::shared_ptr<const KeySet>(std::move(set));
}

EVP_PKEY* KeySet::Find(const SignatureForm& form, std::string_view id) const {
  EVP_PKEY* found = nullptr;
  for (const Key& key : keys_) {
    if (!key.label.Fits(form) || (!id.empty() && key.label.id != id)) continue;
    if (!id.empty()) return key.key.get();
    if (found != nullptr) return nullptr;  // which of them, nobody says
    found = key.key.get();
  }
  return found;
}

}  // namespace penstock::router
