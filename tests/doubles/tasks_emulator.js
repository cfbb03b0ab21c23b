// Starts only the task queues of the Firebase Emulator Suite, because the whole suite takes much longer to start.
const { TasksEmulator } = require("firebase-tools/lib/emulator/tasksEmulator");

const server = new TasksEmulator({}).createHubServer().listen(0, "127.0.0.1", () => {
  console.log(server.address().port);
});
