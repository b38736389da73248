#include "node/redis/core/realm.hpp"

#include <utility>

#include "mesh/base/digest.hpp"

namespace tulle::node::redis {
namespace {

/// Digests have equal lengths, so a comparison of digests does not show the length of a secret.
std::string digest_of_secret(std::string_view secret) {
    return hmac_sha256_hex("tulle redis realm", secret);
}

}  // namespace

Realms::Realms(std::vector<Realm> realms) {
    const auto contents = std::make_shared<Contents>();
    contents->realms = std::move(realms);
    contents->nobody = {nullptr, digest_of_secret({})};
    for (const Realm& realm : contents->realms) {
        // The vector is complete, so pointers to the realms stay valid.
        if (realm.secret.empty() && contents->open == nullptr) {
            contents->open = &realm;
        }
        contents->by_name.emplace(realm.name, &realm);
        const std::string digest = digest_of_secret(realm.secret);
        for (const std::string& user : realm.users) {
            contents->by_user.emplace(user, Access{&realm, digest});
        }
    }
    contents_ = contents;
}

const Realm* Realms::open_realm() const {
    return contents_->open;
}

const Realm* Realms::authenticate(std::string_view user, std::string_view password) const {
    const auto known = contents_->by_user.find(user);
    const Access& access = known == contents_->by_user.end() ? contents_->nobody : known->second;
    const bool is_right = equal_constant_time(access.digest, digest_of_secret(password));
    const bool is_open = access.realm != nullptr && access.realm->secret.empty();
    return is_right || is_open ? access.realm : nullptr;
}

const Realm* Realms::find(std::string_view name) const {
    const auto known = contents_->by_name.find(name);
    return known == contents_->by_name.end() ? nullptr : known->second;
}

const Realm* Realms::of_user(std::string_view user) const {
    const auto known = contents_->by_user.find(user);
    return known == contents_->by_user.end() ? nullptr : known->second.realm;
}

}  // namespace tulle::node::redis
