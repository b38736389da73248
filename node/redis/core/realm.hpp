#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::node::redis {

/// Realms of a node; more are a configuration error. Each node of a mesh gets every message of every realm that the
/// node serves, so realms are few.
inline constexpr std::size_t kMaxRealms = 64;
/// Bytes of a realm's name; a longer name is a configuration error. The name is a part of a channel's name in the mesh,
/// and stands in tables.
inline constexpr std::size_t kMaxRealmNameBytes = 64;
/// Bytes of the secret of a realm; any other length is a configuration error. A client tries
/// passwords as fast as a node answers, and 16 bytes are too many to guess. 256 are far more than any secret needs.
inline constexpr std::size_t kMinRealmSecretBytes = 16;
inline constexpr std::size_t kMaxRealmSecretBytes = 256;
/// Users of a realm, and bytes of the name of a user; more are a configuration error. All users of a realm have the
/// same secret, so further users only serve clients that cannot be told which user to give.
inline constexpr std::size_t kMaxRealmUsers = 64;
inline constexpr std::size_t kMaxRealmUserBytes = 64;

/// Bytes of what stands before the names of an app's channels; a longer text is a configuration error. Frameworks put
/// the name of the application there.
inline constexpr std::size_t kMaxAppPrefixBytes = 256;

/// Memory for the keys of a realm, if it keeps any; anything else is a configuration error. Every node holds all keys
/// of all nodes.
inline constexpr std::uint64_t kMinStoreBytes = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kMaxStoreBytes = std::uint64_t{64} << 30;

/// The name of the realm that a node has without any configured realm, and of the user that a client means by AUTH with
/// a password alone.
inline constexpr std::string_view kDefaultRealm = "default";

/// A name space of Redis channels: clients hear what clients of the same realm publish, through any node.
struct Realm {
    std::string name;
    /// Empty for the open realm, which asks for no AUTH.
    std::string secret;
    /// The names that AUTH may give.
    std::vector<std::string> users;
    /// The id of the app that gets what is published in the realm as events, besides the subscribers of the realm.
    /// Empty: no app does.
    std::string app = {};
    /// Only channels whose names begin so are the app's, without this beginning.
    std::string app_prefix = {};
    /// Memory of the realm's keys on each node; 0: the realm keeps no keys.
    std::uint64_t store_bytes = 0;

    friend bool operator==(const Realm&, const Realm&) = default;
};

/// The realms of a node. A copy is cheap: all copies share the realms.
///
/// Thread: the realms never change and any thread may read them; each copy of the table belongs to a single thread.
/// Errors: none. The caller has checked that names and users are valid and unique, and that at most one realm has no
///         secret; of duplicates the first is found.
class Realms {
public:
    Realms() : Realms(std::vector<Realm>{}) {}
    explicit Realms(std::vector<Realm> realms);

    // Each pointer below is valid as long as any copy of the table lives that was not assigned to.

    /// The realm of a client that has given no AUTH: the realm without a secret. Null when every realm has a secret.
    [[nodiscard]] const Realm* open_realm() const;
    /// The realm that lets in `user` with `password`; null for an unknown user and for a wrong password. The open realm
    /// takes every password, as Redis does for a user with "nopass".
    ///
    /// `user`: kDefaultRealm for AUTH with a password alone. The duration does not depend on how much of the password
    /// is right, on the length of the secret, nor on whether the user is known.
    [[nodiscard]] const Realm* authenticate(std::string_view user, std::string_view password) const;
    /// Null when no realm has the name.
    [[nodiscard]] const Realm* find(std::string_view name) const;
    /// Null for an unknown user.
    [[nodiscard]] const Realm* of_user(std::string_view user) const;
    /// In the order of the configuration.
    [[nodiscard]] const std::vector<Realm>& all() const { return contents_->realms; }

private:
    /// The realm of a user, with the digest of the realm's secret.
    struct Access {
        const Realm* realm;
        std::string digest;
    };
    /// The views and pointers point into `realms`, so `realms` must not change after the indexes are built.
    struct Contents {
        std::vector<Realm> realms;
        const Realm* open = nullptr;
        std::map<std::string_view, const Realm*> by_name;
        std::map<std::string_view, Access> by_user;
        /// What the password of an unknown user is compared with.
        Access nobody;
    };

    std::shared_ptr<const Contents> contents_;
};

}  // namespace tulle::node::redis
