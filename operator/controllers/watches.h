// What the engine watches: an informer a kind and namespace, which keeps of its objects no more
// than the controllers read. Owns the informers. Add before Start; the rest from any thread.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/time.h"
#include "operator/kube/informer.h"

namespace penstock::controllers {

class Watches {
 public:
  using Log = std::function<void(const std::string& level, const std::string& line)>;
  using Handle = std::function<void(const kube::Change&)>;
  // Without `namespaces`, all are watched. The client and the clock must outlive it.
  Watches(kube::Client& client, const Clock& clock, std::vector<std::string> namespaces, Log log);

  // `handle` is called on the informers' threads. `also` is watched beside the namespaces; `name`
  // is the only one of its name that is looked at, in each of them.
  void Add(const kube::ResourceType& type, const std::string& selector, const Handle& handle,
           const std::string& also = "", const std::string& name = "");
  void Start();
  // True when every informer has told its first whole list, false when stopped before.
  [[nodiscard]] bool AwaitFirstLists(const std::stop_token& stop) const;
  void Stop();
  [[nodiscard]] std::vector<const kube::Informer*> informers() const;

 private:
  kube::Client& client_;
  const Clock& clock_;
  const std::vector<std::string> namespaces_;  // empty = all
  const Log log_;
  std::vector<std::unique_ptr<kube::Informer>> informers_;
};

}  // namespace penstock::controllers
