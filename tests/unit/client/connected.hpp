#pragma once

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "client/core/connection.hpp"

namespace tulle::client {

/// A connection with two servers that is up. The clock stands still.
class Connected : public testing::Test {
protected:
    static constexpr Instant kStart{1h};
    static constexpr DialId kFirst{1};
    static constexpr DialId kSecond{2};
    static constexpr const char* kSocket = "12.34";

    explicit Connected(OpenSealed open = nullptr)
        : connection_(ConnectionConfig{.servers = 2, .open_sealed = open}, Prng(7)) {
        step(Start{});
        receive(Established{kSocket, 60s});
    }

    Effects step(const Input& input) {
        Effects out;
        connection_.step(kStart, input, out);
        return out;
    }
    Effects receive(ServerMessage message, DialId dial = kFirst) { return step(Received{dial, std::move(message)}); }

    /// Loses the connection by 4200, and is up again at the other server: what it does then, but for the states.
    Effects come_back() {
        step(Lost{kFirst, 4200, "restart"});
        Effects out = receive(Established{"56.78", 60s}, kSecond);
        EXPECT_EQ(out.front(), (Effect{ReportState{Phase::kConnected, 1, "56.78", {}, {}, {}}}));
        out.erase(out.begin());
        return out;
    }

    Connection connection_;
};

}  // namespace tulle::client
