#pragma once

#include <string>

#include "mesh/keys/mesh_key.hpp"
#include "node/admin/apps_view.hpp"
#include "node/app/config.hpp"
#include "node/pusher/core/apps.hpp"

namespace tulle::node {

/// What a node shows of its apps and rules, so that nodes can be compared (`tulle doctor`).
///
/// Thread: its owner's.
class ComparedApps {
public:
    explicit ComparedApps(const Config& config);

    void set_apps(const AppTable& apps);
    /// A mesh without keys has nothing to keep digests from being guessed, and so has no digests.
    void set_keys(const mesh::KeyRing& keys);
    [[nodiscard]] const AppsView& view() const { return view_; }

private:
    AppTable apps_;
    std::string key_id_;
    std::string key_;
    AppsView view_;
};

}  // namespace tulle::node
