import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.Recoverable;
import com.rabbitmq.client.RecoveryListener;
import com.rabbitmq.client.RpcClient;
import com.rabbitmq.client.RpcServer;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * RabbitMQ's Java client, as its users write it: run as a source file, with the client on the class path. Arguments: a port
 * on loopback, and a queue whose messages carry stamps. Prints a line for each scene; `cut me` asks for the end of its TCP
 * connections, and a line on standard input answers that they are gone.
 */
public final class Scenes {
  private static final int SECONDS = 60;

  private static ConnectionFactory factory(int port) {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setHost("127.0.0.1");
    factory.setPort(port);
    factory.setUsername("whoever");
    factory.setPassword("whatever");
    factory.setNetworkRecoveryInterval(200);
    return factory;
  }

  private static void need(boolean holds, String what) {
    if (!holds) throw new IllegalStateException(what);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static LinkedBlockingQueue<String> consume(Channel channel, String queue) throws Exception {
    LinkedBlockingQueue<String> got = new LinkedBlockingQueue<>();
    channel.basicConsume(queue, false, new DefaultConsumer(channel) {
      @Override
      public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body)
          throws java.io.IOException {
        got.add(new String(body, StandardCharsets.UTF_8));
        getChannel().basicAck(envelope.getDeliveryTag(), false);
      }
    });
    return got;
  }

  private static void expect(LinkedBlockingQueue<String> got, String text) throws Exception {
    String next = got.poll(SECONDS, TimeUnit.SECONDS);
    need(text.equals(next), "expected " + text + ", got " + next);
  }

  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[0]);
    if (arguments.length == 1) {
      refused(port);
      return;
    }
    BufferedReader answers = new BufferedReader(new InputStreamReader(System.in));
    Connection connection = factory(port).newConnection("java scenes");
    Channel channel = connection.createChannel();

    String queue = channel.queueDeclare("", false, true, true, null).getQueue();
    channel.confirmSelect();
    LinkedBlockingQueue<String> got = consume(channel, queue);
    for (int n = 0; n < 500; n++) channel.basicPublish("", queue, null, bytes("message " + n));
    channel.waitForConfirmsOrDie(SECONDS * 1000);
    System.out.println("confirms");
    for (int n = 0; n < 500; n++) expect(got, "message " + n);
    System.out.println("consumes");

    Channel serving = connection.createChannel();
    String requests = serving.queueDeclare("", false, true, true, null).getQueue();
    RpcServer server = new RpcServer(serving, requests) {
      @Override
      public byte[] handleCall(byte[] body, AMQP.BasicProperties properties) {
        return bytes("answer to " + new String(body, StandardCharsets.UTF_8));
      }
    };
    Thread loop = new Thread(() -> {
      try {
        server.mainloop();
      } catch (java.io.IOException | ShutdownSignalException ended) {
        // With the channel.
      }
    });
    loop.setDaemon(true);
    loop.start();
    RpcClient client = new RpcClient(connection.createChannel(), "", requests, SECONDS * 1000);
    need("answer to question".equals(client.stringCall("question")), "another answer");
    client.close();
    System.out.println("rpc");

    channel.basicPublish("", arguments[1], null, bytes("stamped"));
    channel.waitForConfirmsOrDie(SECONDS * 1000);
    GetResponse stamped = channel.basicGet(arguments[1], true);
    Map<String, Object> headers = stamped.getProps().getHeaders();
    System.out.println("stamps user-id=" + stamped.getProps().getUserId() + " headers=" + headers);

    CountDownLatch recovered = new CountDownLatch(1);
    ((Recoverable) connection).addRecoveryListener(new RecoveryListener() {
      @Override
      public void handleRecovery(Recoverable recoverable) {
        recovered.countDown();
      }

      @Override
      public void handleRecoveryStarted(Recoverable recoverable) {
      }
    });
    System.out.println("cut me");
    need(answers.readLine() != null, "nobody answers");
    need(recovered.await(SECONDS, TimeUnit.SECONDS), "no recovery");
    channel.basicPublish("", arguments[1], null, bytes("after"));
    channel.waitForConfirmsOrDie(SECONDS * 1000);
    need(channel.basicGet(arguments[1], true) != null, "nothing after the recovery");
    System.out.println("reconnects");
    connection.close();
    System.out.println("closes");
  }

  /** Somebody whom the gateway does not let in. */
  private static void refused(int port) throws Exception {
    try {
      factory(port).newConnection();
      System.out.println("connected");
    } catch (AuthenticationFailureException refusal) {
      System.out.println("refused: " + refusal.getMessage());
    }
  }
}
