import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.pusher.rest.Pusher;
import com.pusher.rest.data.Event;
import com.pusher.rest.data.Result;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The official Java SDK, driven by lines of JSON: one request on each line of the standard input, one answer on each of the output. */
public class Sdk {
    private static final Gson GSON = new Gson();

    private static JsonElement checked(Result result) {
        if (result.getStatus() != Result.Status.SUCCESS) {
            throw new IllegalStateException(result.getStatus() + " " + result.getHttpStatus() + ": " + result.getMessage());
        }
        return JsonParser.parseString(result.getMessage());
    }

    private static String text(JsonObject command, String name) {
        return command.get(name).getAsString();
    }

    private static Object run(Pusher pusher, JsonObject command) {
        List<String> channels = new ArrayList<>();
        if (command.has("channels")) {
            command.getAsJsonArray("channels").forEach(channel -> channels.add(channel.getAsString()));
        }
        Map<String, String> parameters = new TreeMap<>();
        switch (text(command, "do")) {
            case "trigger":
                return checked(pusher.trigger(channels, text(command, "event"), command.get("data")));
            case "batch":
                List<Event> events = new ArrayList<>();
                channels.forEach(channel -> events.add(new Event(channel, text(command, "event"), command.get("data"))));
                return checked(pusher.trigger(events));
            case "channels":
                parameters.put("filter_by_prefix", text(command, "prefix"));
                parameters.put("info", text(command, "info"));
                return checked(pusher.get("/channels", parameters));
            case "channel":
                parameters.put("info", text(command, "info"));
                return checked(pusher.get("/channels/" + text(command, "channel"), parameters));
            case "users":
                return checked(pusher.get("/channels/" + text(command, "channel") + "/users"));
            case "get":
                command.getAsJsonObject("parameters").entrySet().forEach(e -> parameters.put(e.getKey(), e.getValue().getAsString()));
                return checked(pusher.get(text(command, "path"), parameters));
            case "post":
                return checked(pusher.post(text(command, "path"), text(command, "body")));
            case "webhook":
                JsonObject headers = command.getAsJsonObject("headers");
                return pusher.validateWebhookSignature(text(headers, "x-pusher-key"), text(headers, "x-pusher-signature"),
                        text(command, "body")).toString();
            default:
                throw new UnsupportedOperationException("this SDK has nothing for " + text(command, "do"));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Pusher pusher = new Pusher(arguments[1], arguments[2], arguments[3]);
        pusher.setHost(arguments[0]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonObject answer = new JsonObject();
            try {
                answer.add("value", GSON.toJsonTree(run(pusher, JsonParser.parseString(line).getAsJsonObject())));
            } catch (RuntimeException error) {
                answer.addProperty("error", error.toString());
            }
            System.out.println(GSON.toJson(answer));
        }
    }
}
