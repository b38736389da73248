#include "tools/chaos/users.hpp"

#include <chrono>
#include <utility>

#include <tulle/auth.hpp>

#include "mesh/base/prng.hpp"

namespace tulle::chaos {

ChaosUser::ChaosUser(const Target& target, std::string user, Recorder& recorder)
    : node_(target.node), user_(std::move(user)), recorder_(recorder) {
    ClientOptions options;
    options.servers = {"ws://" + target.listen};
    options.app_key = target.app_key;
    LocalCredentials credentials{target.app_key, target.app_secret};
    // The user signs its own entry, as the program has the secret of the app.
    credentials.channel_data = R"({"user_id":")" + user_ + R"("})";
    options.authorizer = local_authorizer(credentials);
    options.connect_timeout = std::chrono::seconds(5);
    options.retry_delay_min = std::chrono::milliseconds(100);
    options.retry_delay_max = std::chrono::milliseconds(500);
    client_ = std::make_unique<Client>(std::move(options));
    client_->on_state([this](const StateChange& change) {
        // The connection is gone, and with the connection the stay. Only a stay that had begun ends.
        if (change.state != ConnectionState::kConnected && std::exchange(is_in_, false)) {
            record(EventKind::kParted);
        }
    });
    ChannelHandlers handlers;
    handlers.on_subscribed = [this](const tulle::Subscribed& subscribed) { on_subscribed(subscribed); };
    handlers.on_member_added = [this](const MemberChange& change) { on_change(change, true); };
    handlers.on_member_removed = [this](const MemberChange& change) { on_change(change, false); };
    subscription_ = client_->subscribe(kPresenceChannel, std::move(handlers));
}

ChaosUser::~ChaosUser() {
    client_->close();
}

void ChaosUser::record(EventKind kind) {
    chaos::Event event;
    event.kind = kind;
    event.node = node_;
    event.text = user_;
    recorder_.add(std::move(event));
}

void ChaosUser::on_subscribed(const tulle::Subscribed& subscribed) {
    is_in_ = true;
    {
        // A confirmation brings the whole list, so the former list is void.
        const std::lock_guard lock(mutex_);
        members_.clear();
        for (const tulle::Member& member : subscribed.members) {
            members_.insert(member.id);
        }
    }
    record(EventKind::kEntered);
}

void ChaosUser::on_change(const MemberChange& change, bool has_come) {
    {
        const std::lock_guard lock(mutex_);
        if (has_come) {
            members_.insert(change.member.id);
        } else {
            members_.erase(change.member.id);
        }
    }
    chaos::Event event;
    event.kind = EventKind::kMemberTold;
    event.node = node_;
    event.text = change.member.id;
    // The field `interest` holds the observer; see EventKind::kMemberTold.
    event.interest = user_;
    event.number = has_come ? 1 : 0;
    recorder_.add(std::move(event));
}

void ChaosUser::tell_members() {
    chaos::Event event;
    event.kind = EventKind::kRead;
    event.node = node_;
    event.text = kMembersRead;
    {
        const std::lock_guard lock(mutex_);
        for (const std::string& member : members_) {
            event.interest.append(event.interest.empty() ? "" : ",").append(member);
        }
    }
    recorder_.add(std::move(event));
}

ChaosGuest::ChaosGuest(std::vector<Target> targets, std::uint32_t seed, Recorder& recorder)
    : targets_(std::move(targets)), recorder_(recorder) {
    thread_ = std::thread([this, seed] { run(seed); });
}

ChaosGuest::~ChaosGuest() {
    stop_.set();
    thread_.join();
}

void ChaosGuest::run(std::uint32_t seed) {
    Prng prng(seed + 1);
    const std::string name = "guest-" + std::to_string(seed + 1);
    while (!stop_.is_set()) {
        {
            // The name stays equal over all stays, so a new stay may overlap with the mesh's memory of the last.
            const ChaosUser stay(targets_[prng.below(targets_.size())], name, recorder_);
            if (stop_.wait_until(now() + std::chrono::milliseconds(kShortestStayMs + prng.below(kStaysDifferByMs)))) {
                return;
            }
        }
        // Away for up to a second, so that departures and entries follow each other at varying distances.
        static_cast<void>(stop_.wait_until(now() + std::chrono::milliseconds(prng.below(kShortestStayMs))));
    }
}

}  // namespace tulle::chaos
