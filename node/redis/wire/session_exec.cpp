#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/wire/session.hpp"

/// Session: transactions, and commands that wait.
namespace tulle::node::redis {

void Session::multi(RespWriter& out) {
    if (queued_) {
        out.error("ERR MULTI calls can not be nested");
        return;
    }
    queued_.emplace();
    queued_bytes_ = 0;
    is_spoilt_ = false;
    facts_.queued = 0;
    out.simple("OK");
}

void Session::discard(RespWriter& out) {
    if (!queued_) {
        out.error("ERR DISCARD without MULTI");
        return;
    }
    queued_.reset();
    facts_.queued.reset();
    is_spoilt_ = false;
    out.simple("OK");
}

Session::Next Session::exec(std::string& out) {
    RespWriter reply(out, version_, &errors_);
    if (!queued_) {
        reply.error("ERR EXEC without MULTI");
        return Next::kGoOn;
    }
    std::vector<Queued> commands = *std::exchange(queued_, std::nullopt);
    facts_.queued.reset();
    if (std::exchange(is_spoilt_, false)) {
        reply.error("EXECABORT Transaction discarded because of previous errors.");
        return Next::kGoOn;
    }
    exec_reply_.emplace();
    RespWriter(*exec_reply_, version_).array(commands.size());
    running_.assign(std::make_move_iterator(commands.begin()), std::make_move_iterator(commands.end()));
    return run_queued(out);
}

/// The replies of an EXEC are gathered and appended together: messages that come while a command of the EXEC waits must
/// not land inside its reply.
Session::Next Session::run_queued(std::string& out) {
    for (std::size_t done = 0; !running_.empty(); ++done) {
        // The rest is for the next turn; on_room goes on.
        if (done >= kExecCommandsPerTurn) {
            return Next::kWait;
        }
        // As a client that does not read its replies.
        if (exec_reply_ && exec_reply_->size() > kHardOutboxBytes) {
            running_.clear();
            exec_reply_.reset();
            return Next::kClose;
        }
        const std::vector<std::string_view> arguments(running_.front().begin(), running_.front().end());
        const Command* command = find_command(arguments.front());
        TULLE_ASSERT(command != nullptr);
        const Next next = run(*command, arguments, exec_reply_ ? *exec_reply_ : out);
        if (next == Next::kWait) {
            return next;
        }
        running_.pop_front();
        if (next == Next::kClose) {
            finish_exec(out);
            return next;
        }
    }
    finish_exec(out);
    return Next::kGoOn;
}

void Session::finish_exec(std::string& out) {
    running_.clear();
    if (exec_reply_) {
        out.append(*exec_reply_);
        exec_reply_.reset();
    }
}

Session::Next Session::go_on(std::string& out) {
    const std::size_t begin = out.size();
    Next next = run_queued(out);
    if (must_settle_ && next == Next::kGoOn) {
        next = settle();
    }
    if (is_waiting_muted_) {
        out.resize(begin);
    }
    return next;
}

Session::Next Session::settle() {
    is_settling_ = host_.settle(slot_);
    return is_settling_ ? Next::kWait : Next::kGoOn;
}

Session::Next Session::on_settled() {
    is_settling_ = false;
    return Next::kGoOn;
}

Session::Next Session::on_room(std::string& out) {
    if (question_ || is_settling_ || is_asking_owner_) {
        return Next::kWait;
    }
    return running_.empty() ? Next::kGoOn : go_on(out);
}

Session::Next Session::run_store(const Command& command, Arguments arguments, RespWriter& out) {
    const Storing storing = host_.store(*realm_, slot_, command, arguments, facts_.database, out);
    if (storing == Storing::kDone) {
        return Next::kGoOn;
    }
    is_asking_owner_ = storing == Storing::kAsked;
    // The arguments lie in memory of the connection, which reads on meanwhile.
    if (running_.empty()) {
        running_.emplace_back(arguments.begin(), arguments.end());
    }
    return Next::kWait;
}

Session::Next Session::on_reply(std::string_view text, std::string& out) {
    TULLE_ASSERT(is_asking_owner_ && !running_.empty());
    is_asking_owner_ = false;
    if (text.starts_with('-')) {
        ++errors_;
    }
    return end_waiting(text, out);
}

Session::Next Session::end_waiting(std::string_view reply, std::string& out) {
    running_.pop_front();
    if (exec_reply_) {
        exec_reply_->append(reply);
    } else if (!is_waiting_muted_) {
        out.append(reply);
    }
    return go_on(out);
}

}  // namespace tulle::node::redis
