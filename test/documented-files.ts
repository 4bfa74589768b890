/** Names of functions, and what they do in other words. */
const CHORES = {
  boilWater: "Heats the kettle until steam comes out of it",
  sweepFloor: "Removes dust and crumbs from the ground with a broom",
  paintFence: "Gives the wooden border of the garden a new colour",
  feedCat: "Puts food into the bowl of the pet",
  mowLawn: "Cuts the grass behind the house short",
  washDishes: "Cleans plates and cups after the meal",
  bakeBread: "Makes a loaf out of flour, yeast and salt",
  lockDoor: "Turns the key so that nobody comes in",
  sendLetter: "Brings the envelope to the post office in town",
  tuneGuitar: "Tightens the strings of the instrument until they sound right",
  parkCar: "Leaves the vehicle beside the kerb of the street",
  sortMail: "Orders the letters that came today by their sender",
};

/** Files of one function each, whose comment asks for it without its words. */
export const DOCUMENTED = Object.fromEntries(
  Object.entries(CHORES).map(([name, doc]) => [
    `src/chores/${name}.ts`,
    `/** ${doc}. */\nexport function ${name}(input: string): string {\n  return input;\n}\n`,
  ]),
);
